import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CONTROLLERS, type ControlGroupPlace, type Controller, findPlace } from './control-group-place.ts';
import { MAX_THREADS } from './plan.ts';
import { isAlive, startTimeOf } from './process-identity.ts';

/** What one machine may take of this computer. */
export interface MachineLimits {
  readonly memoryMib: number;
  /** Processors' time, in processors. */
  readonly cpus: number;
}

/** Control groups that machines are put into, and the controllers that this computer does not let us have. */
export interface ControlGroups {
  readonly places: readonly ControlGroupPlace[];
  readonly missing: readonly { readonly controller: Controller; readonly reason: string }[];
}

/** The control group of one machine: one directory for each hierarchy. */
export interface ControlGroup {
  /** Puts a process and its threads under the limits. A process that has ended already is none's. */
  readonly join: (pid: number) => Promise<void>;
  /** Removes the directories; the processes must have ended. What is still busy is left to `removeLeftovers`. */
  readonly remove: () => void;
}

/** Named after the host, so that another host can tell whether its owner lives. */
const NAME = /^cloudlet-(\d+)-(\d+)-\d+$/;
/** Microseconds in which a machine's processor time is counted. */
const PERIOD_US = 100_000;
/** The kernel takes processes out of a group a little after their end. */
const REMOVAL_TRIES = 10;
const REMOVAL_PAUSE_MS = 20;

/** Tries every controller with a group that is removed at once, after what killed hosts left was removed. `proc` and `root` are for tests. */
export function openControlGroups(proc = '/proc', root = '/'): ControlGroups {
  const places: ControlGroupPlace[] = [];
  const missing: { controller: Controller; reason: string }[] = [];
  for (const controller of CONTROLLERS) {
    const place = findPlace(controller, {
      groups: readFileSync(join(proc, 'self/cgroup'), 'utf8'),
      mounts: readFileSync(join(proc, 'self/mountinfo'), 'utf8'),
    });
    if ('reason' in place) {
      missing.push({ controller, reason: place.reason });
      continue;
    }
    const there = {
      ...place,
      directory: join(root, place.directory),
      above: place.above.map((directory) => join(root, directory)),
    };
    try {
      removeLeftovers(there.directory, proc);
      for (const directory of there.above) handDown(controller, directory);
      // As many processors as there are: a group may be refused more than those above it have.
      makeGroup([there], { memoryMib: 64, cpus: availableParallelism() }).remove();
      places.push(there);
    } catch (error) {
      missing.push({ controller, reason: `${there.directory}: ${(error as NodeJS.ErrnoException).code}` });
    }
  }
  return { places, missing };
}

/** Lets the groups in a group of version 2 have a controller. systemd hands down only what one of its units asks for. */
function handDown(controller: Controller, directory: string): void {
  const file = join(directory, 'cgroup.subtree_control');
  if (readFileSync(file, 'utf8').split(/\s+/).includes(controller)) return;
  writeFileSync(file, `+${controller}`);
}

let made = 0;

/** Makes the control group of one machine. Fails when a limit cannot be set; nothing is left then. */
export function makeGroup(places: readonly ControlGroupPlace[], limits: MachineLimits): ControlGroup {
  const name = `cloudlet-${process.pid}-${startTimeOf(process.pid)}-${++made}`;
  const directories = [...new Set(places.map((place) => join(place.directory, name)))];
  const remove = (tries = REMOVAL_TRIES) => {
    const busy = directories.filter((directory) => !isRemoved(directory));
    if (busy.length > 0 && tries > 1) setTimeout(() => remove(tries - 1), REMOVAL_PAUSE_MS).unref();
  };
  try {
    for (const directory of directories) mkdirSync(directory);
    for (const { controller, version, directory } of places) {
      for (const [file, value] of limitFiles(controller, version, limits)) {
        writeFileSync(join(directory, name, file), value);
      }
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    join: async (pid) => {
      const joining = directories.map((directory) => writeFile(join(directory, 'cgroup.procs'), String(pid)));
      for (const { reason } of (await Promise.allSettled(joining)).filter((each) => each.status === 'rejected')) {
        if ((reason as NodeJS.ErrnoException).code !== 'ESRCH') throw reason;
      }
    },
    remove: () => remove(),
  };
}

/** The files of a group that hold its limits. */
export function limitFiles(
  controller: Controller,
  version: 1 | 2,
  limits: MachineLimits,
): [file: string, value: string][] {
  const quotaUs = Math.round(Math.min(limits.cpus, availableParallelism()) * PERIOD_US);
  const bytes = String(limits.memoryMib * 2 ** 20);
  switch (controller) {
    case 'memory':
      return [[version === 1 ? 'memory.limit_in_bytes' : 'memory.max', bytes]];
    case 'cpu':
      if (version === 2) return [['cpu.max', `${quotaUs} ${PERIOD_US}`]];
      return [
        ['cpu.cfs_period_us', String(PERIOD_US)],
        ['cpu.cfs_quota_us', String(quotaUs)],
      ];
    case 'pids':
      return [['pids.max', String(MAX_THREADS)]];
    default:
      throw controller satisfies never;
  }
}

/** Removes the groups of hosts that have ended; who still runs in one keeps it. */
export function removeLeftovers(directory: string, proc = '/proc'): void {
  for (const name of readdirSync(directory)) {
    const [, pid, startTime] = NAME.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid), startTime!, proc)) isRemoved(join(directory, name));
  }
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'; // Anything else is a group that somebody is in, or was a moment ago.
  }
}

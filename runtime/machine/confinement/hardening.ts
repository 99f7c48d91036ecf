import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { getSystemErrorName } from 'node:util';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type ControlGroups, openControlGroups } from './control-group.ts';
import type { Controller } from './control-group-place.ts';
import { findProgram, machineRoot } from './machine-root.ts';
import { LAYERS, type Layer, layerOfStep, type PlanFacts, planWords } from './plan.ts';
import { programFiles } from './program-file.ts';
import { standsFor } from './stand-ins.ts';

/** How machines are kept apart on this computer: what works, and what it refuses. */
export interface Hardening {
  /** The program, by its path. */
  readonly qemu: string;
  readonly facts: Omit<PlanFacts, 'groups' | 'fileBytes'>;
  readonly controlGroups: ControlGroups;
  /** Libraries to be loaded before its own; see `stand-ins.ts`. */
  readonly standIns: readonly FileHandle[];
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

/**
 * The machines' users: 4 Mi ids, as many as there are process ids, that no distribution, container or login uses (systemd's list of
 * ids calls them unused).
 */
const USER_BASE = 0x7000_0000;
const USERS = 2 ** 22;

/** What a layer is called where people read it. */
export const WHAT: Record<Layer, string> = {
  'user-namespace': 'user namespace',
  network: 'network namespace',
  ipc: 'ipc namespace',
  'host-name': 'host name of its own',
  processes: 'process namespace',
  root: 'empty root',
  user: 'user of its own',
};

const known = new Map<string, Promise<Hardening>>();

/**
 * What works here, found out once for each program by doing it: namespaces may be forbidden by the kernel's settings, a container or a
 * security module, and no file says so for all of them. Fails with `machine-failed` when there is no such program.
 */
export function findHardening(qemu: string): Promise<Hardening> {
  let found = known.get(qemu);
  if (found === undefined) {
    found = tryHardening(qemu);
    known.set(qemu, found);
    // Installed later, it is looked for again.
    found.catch(() => known.delete(qemu));
  }
  return found;
}

/** What was found out does not hold any more: it is found out anew. */
export function forgetHardening(qemu: string): void {
  known.delete(qemu);
}

async function tryHardening(name: string): Promise<Hardening> {
  const qemu = await findProgram(name);
  const root = await machineRoot(qemu);
  const missing = new Map<Layer, string>();
  const [uid, gid] = [process.getuid!(), process.getgid!()];
  if (uid === 0) {
    if (!isMapped(readFileSync('/proc/self/uid_map', 'utf8')))
      missing.set('user', `the users from ${USER_BASE} on do not exist in this container`);
  } else missing.set('user', 'only a host that is root can change the user');
  if ('reason' in root) missing.set('root', root.reason);
  const facts = {
    parent: process.pid,
    uid,
    gid,
    userBase: USER_BASE,
    root: 'reason' in root ? { files: [], folders: [], devices: [] } : root,
  };
  for (;;) {
    const layers = LAYERS.filter((layer) => !missing.has(layer) && (layer !== 'user-namespace' || uid !== 0));
    const failure = await attempt({ ...facts, layers, groups: [], fileBytes: 2 ** 40 });
    if (failure === null) {
      const controlGroups = openControlGroups();
      // A script may load what it likes: what it needs is not known.
      const standIns = 'reason' in root ? [] : await fittingStandIns(qemu);
      return { qemu, facts: { ...facts, layers }, controlGroups, standIns, missing: describe(missing, controlGroups) };
    }
    const layer = layerOfStep(failure.step, failure.detail);
    if (layer === null || missing.has(layer)) throw failure.error;
    missing.set(layer, failure.error.message);
    // Without it an ordinary user may do none of the others, nor mount the processes of a namespace that is not its own.
    if (layer === 'user-namespace')
      for (const other of LAYERS) if (!missing.has(other)) missing.set(other, failure.error.message);
    if (layer === 'processes') missing.set('root', 'it needs a process namespace');
  }
}

async function fittingStandIns(qemu: string): Promise<FileHandle[]> {
  const { standIns } = await programFiles();
  const fits = await Promise.all(standIns.map(({ fd }) => standsFor(qemu, fd)));
  return standIns.filter((_, at) => fits[at]);
}

/** What the limit of a controller is called where people read it. */
export function limitOn(controller: Controller): string {
  return `limit on ${controller}`;
}

function describe(layers: ReadonlyMap<Layer, string>, { missing }: ControlGroups): Hardening['missing'] {
  return [
    ...[...layers].map(([layer, reason]) => ({ what: WHAT[layer], reason })),
    ...missing.map(({ controller, reason }) => ({ what: limitOn(controller), reason })),
  ];
}

/** Whether all users of machines exist in this user namespace, from its `uid_map`. */
function isMapped(map: string): boolean {
  return map.split('\n').some((line) => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return first! <= USER_BASE && USER_BASE + USERS <= first! + count!;
  });
}

/** A step of a plan that this computer refused. */
export interface StepFailure {
  readonly step: string;
  readonly detail: string;
  readonly error: CloudletError;
}

/** What the spawner says of a step that failed; null for any other line. Pure. */
export function parseFailure(line: string): StepFailure | null {
  const [, step, detail = '', number] = /^failed (\S+) (?:(.*) )?(\d+)$/.exec(line) ?? [];
  if (step === undefined) return null;
  const reason = getSystemErrorName(-Number(number));
  const error = new CloudletError(
    'machine-failed',
    `QEMU could not be started: ${[step, detail].join(' ').trim()}: ${reason}`,
  );
  return { step, detail, error };
}

/** Follows a plan to its end without a program. */
async function attempt(facts: PlanFacts): Promise<StepFailure | null> {
  const { spawner } = await programFiles();
  const child = spawn('/proc/self/fd/3', [...planWords(facts), 'end'], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', spawner.fd],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(`${signal ?? `status ${code}`}`));
  });
  for (const line of said.split('\n')) {
    const failure = parseFailure(line);
    if (failure !== null) return failure;
  }
  if (ended === 'status 0') return null;
  const error = new CloudletError('machine-failed', `QEMU could not be started: its spawner ended with ${ended}`);
  return { step: 'plan', detail: '', error };
}

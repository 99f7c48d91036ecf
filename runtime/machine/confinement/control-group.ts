import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Claim, enterClaimant, leaveClaimant } from './claimant-group.ts';
import { CONTROLLERS, type ControlGroupPlace, type Controller, findPlace } from './control-group-place.ts';
import { isRemoved, removeLeftovers } from './leftover-groups.ts';
import { MAX_THREADS } from './plan.ts';

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
      ControlGroup.make([there], { memoryMib: 64, cpus: availableParallelism() }).remove();
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

/** The control group of one machine: one directory for each hierarchy, in the group of who has the machine. */
export class ControlGroup {
  readonly #places: readonly ControlGroupPlace[];
  readonly #limits: MachineLimits | null;
  readonly #pids: number[] = [];
  #claimant: string;
  #leaf: Leaf;
  #isRemoved = false;
  /** What was last written to the kernel for it, one after another: each such file is open for a while. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Makes it; see `ControlGroup.make`. */
  private constructor(
    places: readonly ControlGroupPlace[],
    limits: MachineLimits | null,
    claimant: string,
    claim: Claim,
  ) {
    this.#places = places;
    this.#limits = limits;
    this.#claimant = claimant;
    this.#leaf = makeLeaf(places, limits, claimant, claim);
  }

  /**
   * Makes the group of one machine of a claimant; one that is nobody's claims for itself. Fails when a limit cannot be set; nothing is left then. Without
   * limits it has but its claim, which is that of any other, or what these leave.
   */
  static make(
    places: readonly ControlGroupPlace[],
    limits: MachineLimits | null,
    claimant = `machine-${++made}`,
    claim: Claim = 'equal',
  ): ControlGroup {
    return new ControlGroup(places, limits, claimant, claim);
  }

  /** Puts a process and its threads under the limits. A process that has ended already is none's. */
  async join(pid: number): Promise<void> {
    this.#pids.push(pid);
    await this.#inTurn(() => joinLeaf(this.#leaf, pid));
  }

  /** Goes over, with what has joined, to another claimant, who claims what any other does. Fails where that cannot be; the same limits hold all the while. */
  moveTo(claimant: string): Promise<void> {
    return this.#inTurn(() => this.#moveTo(claimant));
  }

  async #moveTo(claimant: string): Promise<void> {
    // Its processes may have ended before anybody claimed them.
    if (this.#isRemoved || claimant === this.#claimant) return;
    const [before, whose] = [this.#leaf, this.#claimant];
    this.#leaf = makeLeaf(this.#places, this.#limits, claimant, 'equal');
    this.#claimant = claimant;
    try {
      for (const pid of this.#pids) await joinLeaf(this.#leaf, pid);
      removeLeaf(before);
    } catch (error) {
      // They ended meanwhile, and the group with them.
      if (this.#isRemoved) return removeLeaf(before);
      const refused = this.#leaf;
      [this.#leaf, this.#claimant] = [before, whose];
      removeLeaf(refused);
      throw error;
    }
  }

  /** Resolves when it has no file of the kernel's open any more, which may be after its processes have ended. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  /** Removes the directories; the processes must have ended. What is still busy is left to `removeLeftovers`. */
  remove(): void {
    this.#isRemoved = true;
    removeLeaf(this.#leaf);
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#turn.then(write);
    this.#turn = written.catch(() => undefined);
    return written;
  }
}

/** Directories of one machine, each in one of its claimant. */
type Leaf = readonly string[];

function makeLeaf(
  places: readonly ControlGroupPlace[],
  limits: MachineLimits | null,
  claimant: string,
  claim: Claim,
): Leaf {
  const name = String(++made);
  const leaf = enterClaimant(places, claimant, claim).map((directory) => join(directory, name));
  try {
    for (const directory of leaf) mkdirSync(directory);
    for (const { controller, version, directory } of limits === null ? [] : places) {
      const own = leaf.find((each) => dirname(dirname(each)) === directory)!;
      for (const [file, value] of limitFiles(controller, version, limits!)) writeFileSync(join(own, file), value);
    }
    return leaf;
  } catch (error) {
    removeLeaf(leaf);
    throw error;
  }
}

async function joinLeaf(leaf: Leaf, pid: number): Promise<void> {
  const joining = leaf.map((directory) => writeFile(join(directory, 'cgroup.procs'), String(pid)));
  for (const { reason } of (await Promise.allSettled(joining)).filter((each) => each.status === 'rejected')) {
    if ((reason as NodeJS.ErrnoException).code !== 'ESRCH') throw reason;
  }
}

function removeLeaf(leaf: Leaf, tries = REMOVAL_TRIES): void {
  const busy = leaf.filter((directory) => {
    if (!isRemoved(directory) && tries > 1) return true;
    leaveClaimant(dirname(directory));
    return false;
  });
  if (busy.length > 0) setTimeout(() => removeLeaf(busy, tries - 1), REMOVAL_PAUSE_MS).unref();
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

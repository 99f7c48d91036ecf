import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { ControlGroup, type ControlGroups, type MachineLimits } from './confinement/control-group.ts';
import { findHardening, forgetHardening, type StepFailure } from './confinement/hardening.ts';
import { type HeldFiles, heldFilesEnvironment } from './confinement/held-files.ts';
import { devicesFor, groupsFor } from './confinement/kvm-group.ts';
import { PROGRAM_PATH } from './confinement/machine-root.ts';
import { planWords } from './confinement/plan.ts';
import { programFiles } from './confinement/program-file.ts';
import { setUp } from './confinement/set-up.ts';
import { turnWords } from './confinement/short-turns.ts';
import { lateClaim } from './late-claim.ts';
import { threadQueuesNs } from './processor-need.ts';

/**
 * A QEMU that was started. `pid` is QEMU's own, whose memory is measured. Signals go to what started it and stays as its supervisor:
 * it kills QEMU at any signal, ends as QEMU ended, and when it is killed QEMU is, too.
 */
export type QemuProcess = ChildProcess & {
  readonly pid: number;
  /** From now on it is a machine of this claimant, and shares the processors with that one's others. */
  readonly claimFor: (claimant: string) => Promise<void>;
  /** One in the background claims from now on as it would in the end; any other does so anyway. */
  readonly claimNow: () => Promise<void>;
  /** Resolves when nothing is open any more by which it was put where it belongs: it may have ended meanwhile. */
  readonly settled: () => Promise<void>;
};

/** What is started and how. */
export interface QemuStart extends HeldFiles {
  /** Program to run. */
  readonly qemu: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly args: readonly string[];
  readonly stdio: Exclude<StdioOptions, string>;
  /** All that QEMU may take, the guest's memory included. Default 4096. */
  readonly memoryLimitMib?: number;
  /** The largest file that it may write; default: as much as it may take. */
  readonly fileLimitBytes?: number;
  /** Processors' time that it may take. Default 4. */
  readonly cpuLimit?: number;
  /** Whose it is where the processors are shared out: all machines of one get together what those of another get. By default its own. */
  readonly claimant?: string;
  /** It gets what others leave of the processors until `claimNow`, or until they have held it up for some seconds; then it is whose it was said to be. */
  readonly background?: boolean;
}

const DEFAULTS = { memoryLimitMib: 4096, cpuLimit: 4 };

/**
 * Starts QEMU as every QEMU here runs, the measuring ones too: confined as far as this computer allows, tied to this process, and
 * knowing nothing of its environment. Resolves when all is set up and the program is about to run: no event of the process is missed.
 * Fails with `machine-failed` when it could not be started, naming the step.
 */
export async function startQemu(start: QemuStart): Promise<QemuProcess> {
  let started = await startOnce(start);
  if ('step' in started) {
    // QEMU's package was replaced, and its libraries have other names; or the computer's settings changed.
    forgetHardening(start.qemu);
    started = await startOnce(start);
  }
  if ('step' in started) throw started.error;
  return started;
}

async function startOnce({
  qemu,
  accelerator,
  args,
  stdio,
  ...options
}: QemuStart): Promise<QemuProcess | StepFailure> {
  const { memoryLimitMib, cpuLimit } = { ...DEFAULTS, ...options };
  const fileBytes = options.fileLimitBytes ?? memoryLimitMib * 2 ** 20;
  const { facts, controlGroups, ...found } = await findHardening(qemu);
  const programs = await programFiles();
  const [groups, devices] = await Promise.all([groupsFor(accelerator), devicesFor(accelerator)]);
  const root = { ...facts.root, devices: [...facts.root.devices, ...devices] };
  const plan = planWords({ ...facts, groups, root, fileBytes });
  const held = heldFilesEnvironment(options);
  const libraries = ['CLOUDLET_HELD_FILES' in held ? [programs.heldFiles] : [], found.standIns].flat();
  const preload = libraries.map((_, at) => `/proc/self/fd/${stdio.length + at}`).join(':');
  const own = [...stdio, ...libraries.map(({ fd }) => fd)];
  const [spawner, report] = [own.length, own.length + 1];
  const group = limitedGroup(controlGroups, { memoryMib: memoryLimitMib, cpus: cpuLimit }, options);
  // QEMU asks for huge pages for the code that it translates: up to 2 MiB of each of its regions that no machine needs.
  const pages = accelerator === 'tcg' ? ['small-pages'] : [];
  const words = [
    'report',
    String(report),
    'close',
    String(spawner),
    ...plan,
    ...pages,
    ...turnWords(),
    'ready',
    'run',
    found.qemu,
    ...args,
  ];
  const child = spawn(`/proc/self/fd/${spawner}`, words, {
    cwd: '/',
    // One pool of memory for all of its threads, which seldom want any at once.
    env: { PATH: PROGRAM_PATH, ...held, ...(preload === '' ? {} : { LD_PRELOAD: preload }), MALLOC_ARENA_MAX: '1' },
    stdio: [...own, programs.spawner.fd, 'pipe'],
  });
  if (child.pid === undefined) {
    group.remove();
    throw await startFailure(child);
  }
  child.once('close', () => group.remove());
  const pid = await setUp((child.stdio as unknown as Duplex[])[report]!);
  if (typeof pid !== 'number') return pid;
  joinOrKill(group, pid, child);
  const claims = options.background === true ? claimsLate(group, child, pid, options.claimant) : claimsAtOnce(group);
  return Object.assign(child, { pid, ...claims, settled: () => group.settled() });
}

type Claims = Pick<QemuProcess, 'claimFor' | 'claimNow'>;

function claimsAtOnce(group: ControlGroup): Claims {
  return { claimFor: async (claimant) => void (await goesOver(group, claimant)), claimNow: async () => undefined };
}

/** Whether it did; where it cannot it has its limits all the same, and claims as before. */
function goesOver(group: ControlGroup, claimant: string): Promise<boolean> {
  return group.moveTo(claimant).then(
    () => true,
    () => false,
  );
}

function claimsLate(group: ControlGroup, child: ChildProcess, pid: number, own = `late-${pid}`): Claims {
  let [claimant, isLate] = [own, false];
  const claim = (): Promise<boolean> => {
    isLate = true;
    return goesOver(group, claimant);
  };
  const callOff = lateClaim(claim, () => threadQueuesNs(pid));
  // Then its number may be another's.
  child.once('exit', callOff);
  return {
    claimFor: async (given) => {
      claimant = given;
      if (isLate) await claim();
    },
    claimNow: async () => {
      // Where that fails it is tried again.
      if (await claim()) callOff();
    },
  };
}

function limitedGroup(
  { places }: ControlGroups,
  limits: MachineLimits,
  { claimant, background }: Pick<QemuStart, 'claimant' | 'background'>,
): ControlGroup {
  try {
    // In the background it is alone: whose it will be has others, who claim.
    if (background === true) return ControlGroup.make(places, limits, undefined, 'rest');
    return ControlGroup.make(places, limits, claimant);
  } catch (cause) {
    const sentence = `QEMU could not be started: its limits could not be set: ${(cause as Error).message}`;
    throw new CloudletError('machine-failed', sentence, { cause });
  }
}

/** The limits come a little later than the process: the kernel takes its time, QEMU needs longer before it runs a guest. */
function joinOrKill(group: ControlGroup, pid: number, child: ChildProcess): void {
  group.join(pid).catch((error: Error) => {
    // No machine runs without its limits; who waits for it sees it killed, and why.
    child.stderr?.emit('data', `its limits could not be set: ${error.message}\n`);
    child.kill('SIGKILL');
  });
}

/** Why there is no process. Without descriptors to spare there are not even pipes to listen to. */
function startFailure(child: ChildProcess): Promise<CloudletError> {
  return new Promise((resolve) => {
    child.once('error', (cause) => {
      resolve(new CloudletError('machine-failed', `QEMU could not be started: ${cause.message}`, { cause }));
    });
  });
}

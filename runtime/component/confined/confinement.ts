import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What the confined child may use. */
export interface ConfinementLimits {
  /** Data of the process in all: JavaScript heap, linear memories and buffers, MiB. */
  readonly memoryMib: number;
  readonly cpuSeconds: number;
  readonly wallMs: number;
}

/** Enough for the largest component that a cloudlet takes, on a machine that is busy. */
export const DEFAULT_CONFINEMENT: ConfinementLimits = { memoryMib: 2048, cpuSeconds: 60, wallMs: 120_000 };

/** How the network is taken away: as root, by a user namespace, or not at all where neither is allowed. */
export type NetworkIsolation = 'namespace' | 'user-namespace' | 'none';

const UNSHARE: Readonly<Record<NetworkIsolation, readonly string[]>> = {
  namespace: ['unshare', '--net', '--'],
  'user-namespace': ['unshare', '--user', '--map-current-user', '--net', '--'],
  none: [],
};

/** The command that runs `entry` with Node, without network and within the limits. */
export function confinedCommand(
  node: string,
  entry: string,
  args: readonly string[],
  limits: ConfinementLimits,
  network: NetworkIsolation,
): readonly [file: string, ...args: string[]] {
  const kib = limits.memoryMib * 1024;
  // The soft limit of processor time ends the child with SIGXCPU, which can be told; the hard one is for a child that ignores it.
  const cpu = `ulimit -S -t ${limits.cpuSeconds}; ulimit -H -t ${limits.cpuSeconds + 5}`;
  // The shell's ulimit is everywhere, prlimit is not. Data and not address space: Node reserves terabytes of that.
  const limit = `ulimit -c 0; ulimit -f 0; ulimit -n 64; ${cpu}; ulimit -d ${kib}; exec "$@"`;
  const heapMib = Math.floor(limits.memoryMib / 2);
  const program = [
    node,
    `--max-old-space-size=${heapMib}`,
    '--permission',
    '--allow-fs-read=*',
    '--disable-warning=SecurityWarning',
    // While it waits V8 would collect, and throw away what it has optimized for objects of which none is left.
    '--no-memory-reducer',
    entry,
    ...args,
  ];
  return [...(UNSHARE[network] as [string, ...string[]]), '/bin/sh', '-c', limit, 'sh', ...program];
}

/** Finds out which isolation this machine allows, by trying. */
export async function probeNetworkIsolation(): Promise<NetworkIsolation> {
  for (const kind of ['namespace', 'user-namespace'] as const) {
    const [file, ...args] = UNSHARE[kind];
    try {
      await promisify(execFile)(file!, [...args, 'true'], { timeout: 10_000, env: CONFINED_ENVIRONMENT });
      return kind;
    } catch {
      // Not allowed, or not installed: the next kind may be.
    }
  }
  return 'none';
}

/** All that the child gets of the environment. */
export const CONFINED_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

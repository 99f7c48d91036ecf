import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { claimingGroup } from '../machine/confinement/process-claims.ts';
import { programFiles } from '../machine/confinement/program-file.ts';
import { turnWords } from '../machine/confinement/short-turns.ts';
import type { Machine, MachineExit } from '../machine/machine.ts';
import { OutputTail } from '../machine/output-tail.ts';
import { privateBytes } from '../machine/private-memory.ts';
import { processorNeedNs, processorQueueNs } from '../machine/processor-need.ts';

/** How the agent is run as a child process. */
export interface ProcessMachineOptions {
  /** The agent's entry: a bundle or `runtime/agent/main.ts`. */
  readonly agentFile: string;
  /** The Node that runs it; default: the one that runs us. */
  readonly node?: string;
  /** Workers, and so invocations at once. */
  readonly workers: number;
  /** Linear memory of one instance, MiB: what bounds the process. */
  readonly memoryMib: number;
}

/** Private memory of an agent without guests, with room for what is compiled, MiB. */
const AGENT_MIB = 384;

/** That of one worker beside its guest's: its heap, what it lifts and holds of bodies, MiB. */
const WORKER_MIB = 256;

/** Instances of a worker whose memory is there at once: one that runs or is ready, and one before it that is not collected yet. */
const INSTANCES = 2;

/**
 * Writable memory that Node maps and never touches, MiB, for the process and for each worker: stacks, arenas, room for code. The kernel
 * counts it as data.
 */
const UNUSED_MIB = 2048;
const UNUSED_WORKER_MIB = 256;

const MIB = 2 ** 20;

/** What a process may have at most: private bytes, by which it is judged now and then, and data, which the kernel gives it no more of. Pure. */
export function processBounds({ workers, memoryMib }: Pick<ProcessMachineOptions, 'workers' | 'memoryMib'>): {
  privateBytes: number;
  dataKib: number;
} {
  const privateMib = AGENT_MIB + workers * (WORKER_MIB + INSTANCES * memoryMib);
  const dataMib = privateMib + UNUSED_MIB + workers * UNUSED_WORKER_MIB;
  return { privateBytes: privateMib * MIB, dataKib: dataMib * 1024 };
}

/**
 * Code of WebAssembly is kept when better code has replaced it: in machines, whose agent has the same flag, V8's collector of it took code to
 * which a suspended guest was about to return. Young objects are collected without helpers: each worker has little of them, and waited for threads to which its
 * neighbours leave no processor. What an invocation makes is made young, however much of the like lived on while the worker was cold.
 */
const AGENT_FLAGS = [
  ...['--disable-warning=ExperimentalWarning', '--no-wasm-code-gc'],
  ...['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping', '--no-allocation-site-pretenuring'],
];

/** The channel's descriptor in the child: the first after stdin, stdout and stderr. Those of the lines follow. */
const CHANNEL_FD = 3;

/**
 * Workers that may be lost before the process is worth replacing: a successor cannot have the socket of who it follows. There is one socket more
 * for each worker, for those that are lost until nothing runs in it any more.
 */
export const SPARE_LINES = 16;

/** How long a process may take to leave after its channel is closed before it is killed, milliseconds. */
const GENTLE_MS = 500;

/**
 * The agent as a child process: the same code as in a microVM, without its boundary.
 * The child gets none of our environment and ends itself when its channel ends, also when we are killed.
 */
export async function startProcessMachine(options: ProcessMachineOptions): Promise<Machine> {
  const lineCount = 2 * options.workers + SPARE_LINES;
  const bounds = processBounds(options);
  // The shell's ulimit is everywhere, prlimit is not; the shell becomes the agent.
  const limited = ['-c', `ulimit -c 0; ulimit -d ${bounds.dataKib}; exec "$@"`, 'sh'];
  const agent = [options.node ?? process.execPath, ...AGENT_FLAGS, options.agentFile];
  const streams = ['pipe', ...Array.from({ length: lineCount }, () => 'pipe' as const)] as const;
  const start = await turnTaking(['/bin/sh', ...limited, ...agent], CHANNEL_FD + streams.length);
  const child = spawn(start.program, start.words, {
    stdio: ['ignore', 'ignore', 'pipe', ...streams, ...start.files],
    env: {
      CLOUDLET_CHANNEL_FD: String(CHANNEL_FD),
      CLOUDLET_LINES: String(lineCount),
      CLOUDLET_WORKERS: String(options.workers),
    },
    cwd: '/',
  });
  const output = new OutputTail(child.stderr!);
  const exited = new Promise<MachineExit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, tail: error.message }));
    child.once('close', (code, signal) => resolve({ code, signal, tail: output.text }));
  });
  const { pid } = child;
  if (pid === undefined) {
    const exit = await exited;
    throw new CloudletError('sandbox-unavailable', `the agent's process could not be started: ${exit.tail}`);
  }
  const group = claimingGroup();
  void exited.then(() => group?.remove());
  // Not waited for: until it has joined it shares with the host, which is as good.
  void group?.join(pid).catch(() => undefined);
  const [channel, ...lines] = (child.stdio as unknown as readonly Duplex[]).slice(
    CHANNEL_FD,
    CHANNEL_FD + streams.length,
  );
  return {
    id: randomUUID(),
    pid,
    channel: channel!,
    lines,
    exited,
    said: () => output.text,
    pause: async () => {},
    resume: async () => {},
    processors: availableParallelism(),
    processorNeedNs: () => processorNeedNs(pid),
    processorQueueNs: () => processorQueueNs(pid),
    privateBytes: () => privateBytes(pid),
    mostPrivateBytes: bounds.privateBytes,
    claimFor: async (claimant) => group?.moveTo(claimant).catch(() => undefined), // It computes all the same.
    close: async () => {
      await end(child, [channel!, ...lines], exited);
      await group?.settled();
    },
  };
}

/** What starts a program that takes short turns of the processors, as machines do; where that program of ours cannot run, any turns. */
async function turnTaking(words: readonly [string, ...string[]], descriptor: number) {
  const programs = await programFiles().catch(() => null);
  if (programs === null) return { program: words[0], words: words.slice(1), files: [] };
  const fd = String(descriptor);
  return {
    program: `/proc/self/fd/${fd}`,
    words: ['close', fd, ...turnWords(), 'run', ...words],
    files: [programs.spawner.fd],
  };
}

async function end(child: ChildProcess, streams: readonly Duplex[], exited: Promise<MachineExit>): Promise<void> {
  for (const stream of streams) stream.destroy();
  const timer = setTimeout(() => child.kill('SIGKILL'), GENTLE_MS);
  await exited;
  clearTimeout(timer);
}

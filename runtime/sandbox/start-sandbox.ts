import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Machine } from '../machine/machine.ts';
import { Channel } from './channel/channel.ts';
import { type Clock, systemClock } from './clock.ts';
import { describeExit } from './machine-end.ts';
import { machineTime } from './machine-time.ts';
import { Sandbox, type SandboxKind } from './sandbox.ts';

/** How a sandbox without content is made. */
export interface StartOptions {
  readonly kind: SandboxKind;
  /** Starts the machine: boots or restores a microVM, or starts the agent as a process. */
  readonly startMachine: (signal?: AbortSignal) => Promise<Machine>;
  /** Workers of an agent that is restored: it said `ready` before the snapshot, so it is asked for a sign of life instead. */
  readonly restoredWorkers?: number;
  /** A restored agent is not asked: it has what it runs, and its first invocation is the sign of life. See `FirstWord`. */
  readonly unasked?: boolean;
  /** How long the agent of a started machine may take to say `ready`, or to answer, milliseconds. */
  readonly readyMs?: number;
  readonly clock?: Clock;
}

/** Long enough for a boot without hardware acceleration on a busy processor; the machine has its own watchdog for one that hangs. */
const READY_MS = 60_000;

/**
 * Starts a machine and waits for its agent; the sandbox is empty until `load`, or waits for `adopt` when it was restored with what it runs.
 * `machine-failed` when the machine ends first, speaks another version of the wire, or takes too long: then it is already gone.
 */
export async function startSandbox(options: StartOptions, signal?: AbortSignal): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  signal?.throwIfAborted();
  const machine = await options.startMachine(signal);
  const channel = new Channel(machine, options.restoredWorkers, clock);
  const readyMs = options.readyMs ?? READY_MS;
  const stop = machineTime(machine, clock).after(readyMs, () =>
    channel.close(`the agent was not ready within ${readyMs} ms`),
  );
  const abort = () => channel.close('starting the sandbox was given up');
  signal?.addEventListener('abort', abort, { once: true });
  try {
    // The channel ends with its process, and then what the process said is the better reason.
    const workers = await workersOf(channel, options);
    return new Sandbox({ kind: options.kind, machine, channel, workers, clock });
  } catch (error) {
    const exit = machine.exited.then((how) => `the machine ${describeExit(how)}`);
    await machine.close();
    signal?.throwIfAborted();
    throw new CloudletError('machine-failed', `${(error as Error).message}; ${await exit}`, { cause: error });
  } finally {
    stop();
    signal?.removeEventListener('abort', abort);
  }
}

async function workersOf(channel: Channel, { restoredWorkers, unasked }: StartOptions): Promise<number> {
  if (restoredWorkers === undefined) return (await channel.ready).workers;
  if (unasked !== true) await channel.ping();
  return restoredWorkers;
}

import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { MachineExit } from './machine.ts';
import type { Readiness } from './machine-process.ts';

/** A machine that was started and is to come to life. */
export interface Starting {
  readonly exited: Promise<MachineExit>;
  whenReady(ready: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<Readiness>;
  close(): Promise<void>;
}

/** How long is waited for a machine. */
export interface Patience {
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
}

/** A boot that hangs is tried once more: the kernel's clock calibration is known to fail now and then. */
const BOOTS = 2;

/**
 * Starts a machine that boots and waits until what makes it ready has happened. Fails with `machine-failed`, and the machine is gone, quoting
 * what QEMU and the console said last.
 */
export async function boot<M extends Starting>(
  start: () => Promise<M>,
  ready: (machine: M) => Promise<unknown>,
  { ms, signal }: Patience,
): Promise<M> {
  for (let attempt = 1; ; attempt++) {
    const machine = await start();
    const outcome = await machine.whenReady(ready(machine), ms, signal);
    if (outcome === 'ready') return machine;
    if (outcome === 'silent' && attempt < BOOTS) await machine.close();
    else throw await failure(machine, 'the machine did not boot', outcome, `${ms} ms, ${BOOTS} times`, signal);
  }
}

/** The same for one that goes on where a saved machine was, which succeeds at once or not at all. */
export async function restore<M extends Starting>(
  start: () => Promise<M>,
  ready: (machine: M) => Promise<unknown>,
  { ms, signal }: Patience,
): Promise<M> {
  const machine = await start();
  const outcome = await machine.whenReady(ready(machine), ms, signal);
  if (outcome === 'ready') return machine;
  throw await failure(machine, 'the machine could not be restored', outcome, `${ms} ms`, signal);
}

/** What a page of a mapped file without room on its disk does to QEMU, or one that is beyond the end of its file. */
const NO_ROOM = ', since the file of its memory could not hold a page: is the disk full?';

/** Ends a machine that did not come to life, and says why. Throws when the caller gave it up. */
async function failure(
  machine: Starting,
  what: string,
  outcome: Readiness,
  waited: string,
  signal: AbortSignal | undefined,
): Promise<CloudletError> {
  await machine.close();
  signal?.throwIfAborted();
  const exit = await machine.exited;
  const why =
    typeof outcome === 'object'
      ? outcome.refused
      : outcome === 'silent'
        ? `the guest was silent for ${waited}`
        : `QEMU ended with ${exit.signal ?? `status ${exit.code}`}${exit.signal === 'SIGBUS' ? NO_ROOM : ''}`;
  return new CloudletError('machine-failed', `${what}: ${why}; it said last: ${exit.tail || 'nothing'}`);
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Machine } from '../machine/index.ts';

/** How long a machine does nothing until it rests, milliseconds: some times what is between two steps of the same work. */
const QUIET_MS = 50;

/** What it may use meanwhile, nanoseconds: QEMU looks after its own threads. */
const QUIET_NS = 500_000;

/** How long it is waited for, milliseconds: a guest that never rests is saved as it is. */
const PATIENCE_MS = 3_000;

/**
 * Resolves when a machine has come to rest: it has answered, but behind an answer its agent and kernel still put things away, and what a snapshot
 * interrupts there, each of its clones does before all else.
 */
export async function atRest(machine: Pick<Machine, 'processorNeedNs'>, signal: AbortSignal): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let before = machine.processorNeedNs(); before !== null && performance.now() < until; ) {
    await wait(QUIET_MS, undefined, { signal });
    const now = machine.processorNeedNs();
    if (now === null || now - before < QUIET_NS) return;
    before = now;
  }
}

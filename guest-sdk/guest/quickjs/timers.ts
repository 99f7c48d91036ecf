import clock from 'wasi:clocks/monotonic-clock@0.2.12';
import { onReady } from './event-loop.ts';

const NS_PER_MS = 1_000_000;

const stops = new Map<number, () => void>();
let last = 0;

/** Calls `work` after `delayMs`; gives a number for `clearTimeout`. */
export function setTimeout(work: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): number {
  last += 1;
  const id = last;
  const pollable = clock.subscribeDuration(Math.max(0, Math.round(Number(delayMs) * NS_PER_MS) || 0));
  const stop = onReady(pollable, () => {
    stops.delete(id);
    work(...args);
  });
  stops.set(id, stop);
  return id;
}

/** Forgets a timer; of an unknown or elapsed one there is nothing to forget. */
export function clearTimeout(id?: number): void {
  if (id === undefined) return;
  stops.get(id)?.();
  stops.delete(id);
}

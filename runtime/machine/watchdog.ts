/** How many times its time a process is waited for at most: one that hangs and computes for ever stands in the queue, too. */
const MOST = 4;

/** The world of a watchdog. */
export interface WatchdogWorld {
  now(): number;
  /** Calls `callback` once after `ms`; gives what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** Time as it is. */
export const REAL_WORLD: WatchdogWorld = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Calls `late` when a process had `ms` of its own for what was expected of it; gives what calls it off. Time in which others held it up does not
 * count: `queuedNs` says for how long it has stood in the queue for a processor by now, null when that is not known. Ended by the clock alone, machines that start on a busy
 * computer would be started again and again, which makes it busier.
 */
export function watchdog(ms: number, late: () => void, queuedNs: () => number | null, world = REAL_WORLD): () => void {
  const [beganAt, queuedBefore] = [world.now(), queuedNs() ?? 0];
  const wait = (leftMs: number): (() => void) => world.after(leftMs, look);
  const look = (): void => {
    const heldUpMs = Math.max(0, (queuedNs() ?? 0) - queuedBefore) / 1e6;
    const leftMs = Math.min(ms + heldUpMs, MOST * ms) - (world.now() - beganAt);
    // A timer of Node's may be a millisecond early.
    // This process may have been held up itself: what it did not come to read is no silence, and it reads before it looks at its timers again.
    cancel = leftMs >= 1 ? wait(leftMs) : world.after(0, late);
  };
  let cancel = wait(ms);
  return () => cancel();
}

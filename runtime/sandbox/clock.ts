/** Time as the pool and the sandboxes see it, so that a test can be the clock. */
export interface Clock {
  /** Milliseconds from some fixed point; never goes back. */
  now(): number;
  /** Calls `callback` once after `ms`, never before this returns, also when that time is past; gives what cancels it. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** Longest time that a timer of Node's can wait, milliseconds: one that is longer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The real time. What is to happen in more than 24 days happens then; what was due before it is asked for, which a busy computer comes to, at once. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.max(0, Math.min(ms, MAX_TIMER_MS)));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

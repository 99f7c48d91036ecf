import { availableParallelism } from 'node:os';
// The global of this name is a getter.
import { performance } from 'node:perf_hooks';

/** For how long a thread waits without sleeping, milliseconds. */
export const AWAKE_MS = 0.06;
/** Pauses that are worth it on the average: those in which it slept are longer by what it takes to wake. */
const SHORT_MS = 2 * AWAKE_MS;
/** What a pause counts at most: one that lasts for minutes says no more. */
const LONGEST_MS = 4 * AWAKE_MS;
/** What the last pause weighs in the average. */
const WEIGHT = 1 / 8;

/** What it goes by. */
export interface WakefulnessClock {
  /** Milliseconds. */
  readonly now: () => number;
  /** Calls back when the event loop has looked for what came, without sleeping. */
  readonly later: (turn: () => void) => void;
}

const OWN_CLOCK: WakefulnessClock = { now: () => performance.now(), later: setImmediate };

/**
 * Has the event loop of this thread look for what comes next for a moment, in place of sleeping, as long as that mostly comes within it. Two processes that answer each other sleep
 * between all that they say; to be woken takes who sleeps 10 µs and more, and who writes to him 2 to 3. Where pauses are longer, or another has the processor meanwhile, it sleeps at once.
 */
export class Wakefulness {
  readonly #clock: WakefulnessClock;
  /** Average of the last pauses. */
  #pauseMs = LONGEST_MS;
  /** When it had nothing to do any more. */
  #idleAt = 0;
  #hasWorked = false;
  #isTurning = false;
  readonly #turn = (): void => {
    const now = this.#clock.now();
    if (this.#hasWorked) this.#idleAt = now;
    this.#hasWorked = false;
    this.#isTurning = this.#pauseMs < SHORT_MS && now - this.#idleAt < AWAKE_MS;
    if (this.#isTurning) this.#clock.later(this.#turn);
  };

  constructor(clock = OWN_CLOCK) {
    this.#clock = clock;
  }

  /** One for a thread, or null where there is one processor: who has it keeps those from it who would say something. */
  static ofThread(): Wakefulness | null {
    return availableParallelism() > 1 ? new Wakefulness() : null;
  }

  /** Something came, or was sent that an answer will come to. */
  came(): void {
    if (!this.#hasWorked) {
      this.#hasWorked = true;
      const pauseMs = Math.min(LONGEST_MS, this.#clock.now() - this.#idleAt);
      this.#pauseMs += (pauseMs - this.#pauseMs) * WEIGHT;
    }
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#clock.later(this.#turn);
  }
}

import { threadCpuMs } from '../cpu-limit.ts';

/** How often the thread's time is looked at while nobody asks, milliseconds: a system call, and most invocations are shorter. */
const LOOK_MS = 1;

/**
 * Processor time of a worker's thread, divided among the invocations that run at once in it: nobody can tell for which of them a thread
 * computes, and each would be charged for all. It goes on by 1 ms in every n ms when n run, so what each has used is the difference of two
 * looks, whoever came and went between them. Between two looks so many run as did on the average.
 */
export class SharedCpuTime {
  readonly #used: () => number;
  readonly #now: () => number;
  #running = 0;
  #seenMs = 0;
  #sharedMs = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #changedAt = 0;
  /** Since the last look: how long anything ran, and that of each together. */
  #ranMs = 0;
  #ranAllMs = 0;

  /** `used`: processor time of the thread so far, `now`: time that never goes back, both in milliseconds. */
  constructor(used: () => number = threadCpuMs, now: () => number = () => performance.now()) {
    this.#used = used;
    this.#now = now;
  }

  /** One more runs. */
  enter(): void {
    this.#change(1);
  }

  /** One of those that run is over. */
  leave(): void {
    this.#change(-1);
  }

  /** The share of one that has run from the beginning, milliseconds. */
  readonly shareMs = (): number => {
    this.#look(this.#pass());
    return this.#sharedMs;
  };

  #change(by: number): void {
    const now = this.#pass();
    if (now - this.#lookedAt >= LOOK_MS) this.#look(now);
    this.#running += by;
  }

  #pass(): number {
    const now = this.#now();
    if (this.#running > 0) {
      this.#ranMs += now - this.#changedAt;
      this.#ranAllMs += this.#running * (now - this.#changedAt);
    }
    this.#changedAt = now;
    return now;
  }

  #look(now: number): void {
    const usedMs = this.#used();
    // What the thread does while nothing runs is nobody's: no more than it can have computed while something did.
    const ranMs = Math.min(usedMs - this.#seenMs, this.#ranMs);
    if (this.#ranAllMs > 0) this.#sharedMs += ranMs * (this.#ranMs / this.#ranAllMs);
    else if (this.#running > 0) this.#sharedMs += (usedMs - this.#seenMs) / this.#running;
    this.#seenMs = usedMs;
    this.#lookedAt = now;
    this.#ranMs = 0;
    this.#ranAllMs = 0;
  }
}

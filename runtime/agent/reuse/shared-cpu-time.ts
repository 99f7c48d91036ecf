import { threadCpuMs } from '../cpu-limit.ts';

/**
 * Processor time of a worker's thread, divided among the invocations that run at once in it: nobody can tell for which of them a thread
 * computes, and each would be charged for all. It goes on by 1 ms in every n ms when n run, so what each has used is the difference of two
 * looks, whoever came and went between them.
 */
export class SharedCpuTime {
  readonly #used: () => number;
  #running = 0;
  #seenMs = 0;
  #sharedMs = 0;

  /** `used`: processor time of the thread so far, milliseconds. */
  constructor(used: () => number = threadCpuMs) {
    this.#used = used;
  }

  /** One more runs. */
  enter(): void {
    this.#settle();
    this.#running += 1;
  }

  /** One of those that run is over. */
  leave(): void {
    this.#settle();
    this.#running -= 1;
  }

  /** The share of one that has run from the beginning, milliseconds. */
  readonly shareMs = (): number => {
    this.#settle();
    return this.#sharedMs;
  };

  #settle(): void {
    const usedMs = this.#used();
    // What the thread does while nothing runs is nobody's.
    if (this.#running > 0) this.#sharedMs += (usedMs - this.#seenMs) / this.#running;
    this.#seenMs = usedMs;
  }
}

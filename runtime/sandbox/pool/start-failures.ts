import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';

/** How long nothing is started ahead, or beside others that serve, after a start failed: what is wrong now will be wrong in a moment. */
const AFTER_FAILURE_MS = 1_000;

/** What is known of a version's starts that failed. Times are by the clock, milliseconds. */
export class StartFailures {
  #last: CloudletError | null = null;
  #inRow = 0;
  #at = Number.NEGATIVE_INFINITY;

  /** Why the last start failed, until one succeeds. */
  get last(): CloudletError | null {
    return this.#last;
  }

  /** A start failed. Whether it is worth telling those who wait: a machine that was lost may be lost by chance, once. */
  note(error: CloudletError, now: number): boolean {
    this.#last = error;
    this.#inRow += 1;
    this.#at = now;
    return !(error.traits.poisons && this.#inRow === 1);
  }

  /** Nobody waits: the next failure is the first again. */
  rest(): void {
    this.#inRow = 0;
  }

  /** A start succeeded. */
  clear(): void {
    this.#last = null;
    this.#inRow = 0;
  }

  /** Whether one failed a moment ago. */
  isRecent(now: number): boolean {
    return now - this.#at < AFTER_FAILURE_MS;
  }
}

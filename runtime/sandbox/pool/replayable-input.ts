import type { CallInput } from '../channel/call.ts';

/** Most input that is kept so that an invocation can be tried again, bytes; beyond it the input was streamed and is gone. */
export const REPLAY_BYTES = 1024 * 1024;

/** An input that can be read again from its start as long as little of it has come and nobody said that it will not be needed. */
export class ReplayableInput {
  readonly #input: CallInput;
  #iterator: AsyncIterator<Uint8Array> | null = null;
  #step: Promise<void> | null = null;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #ended = false;
  #intact = true;
  #reader = 0;

  constructor(input: CallInput) {
    this.#input = input;
  }

  /** Whether `open` would give the whole input. */
  get intact(): boolean {
    return this.#intact;
  }

  /** The input from its start. A former reader of it gets nothing more. */
  open(): CallInput {
    if (!this.#intact) throw new Error('the input was streamed and cannot be read again');
    if (this.#input instanceof Uint8Array) return this.#input;
    this.#iterator ??= this.#input[Symbol.asyncIterator]();
    return this.#read(this.#iterator, ++this.#reader);
  }

  /** The present reader is the last: what it has read need not be kept. */
  release(): void {
    this.#intact = false;
  }

  /** There will be no reader: tells the input's source to stop. Idempotent. */
  discard(): void {
    this.#intact = false;
    this.#reader += 1;
    if (this.#input instanceof Uint8Array) return;
    this.#iterator ??= this.#input[Symbol.asyncIterator]();
    stop(this.#iterator);
  }

  async *#read(iterator: AsyncIterator<Uint8Array>, reader: number): AsyncGenerator<Uint8Array> {
    let next = 0;
    try {
      while (reader === this.#reader) {
        if (!this.#intact) {
          this.#kept.splice(0, next);
          next = 0;
        }
        const chunk = this.#kept[next];
        if (chunk !== undefined) {
          next += 1;
          yield chunk;
        } else if (this.#ended) return;
        // One step at a time, whoever waits for it: a step that a former reader asked for is not lost to the next.
        else {
          this.#step ??= this.#take(iterator);
          await this.#step;
        }
      }
    } finally {
      // While the input is intact, a reader that leaves does so because its sandbox failed, and another may follow.
      if (!this.#intact && !this.#ended && reader === this.#reader) stop(iterator);
    }
  }

  async #take(iterator: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      const { done, value } = await iterator.next();
      if (done === true) {
        this.#ended = true;
        return;
      }
      this.#kept.push(value);
      this.#keptBytes += value.length;
      if (this.#keptBytes > REPLAY_BYTES) this.#intact = false;
    } finally {
      this.#step = null;
    }
  }
}

function stop(iterator: AsyncIterator<Uint8Array>): void {
  iterator.return?.()?.then(undefined, () => {
    // The invocation is over; how its input ends changes nothing any more.
  });
}

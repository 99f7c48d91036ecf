import { setImmediate } from 'node:timers/promises';
import { Turns } from './network/turns.ts';
import { OutsideRefusal } from './outside-service.ts';

/** Bytes that requests of one function may make the host hold in memory at once. */
const HELD_BYTES = 32 * 1024 * 1024;

/**
 * Uploads and downloads of one function at once. Each has a file open, and up to 640 KiB of it in the host's memory; a guest can keep
 * 64 of them open for as long as it runs, in each of its instances.
 */
export const MAX_TRANSFERS = 256;

/**
 * What requests of one published function share. A function that is removed has its account closed: what still runs of it keeps nothing
 * under a name that somebody may publish anew.
 */
export class FunctionAccount {
  readonly name: string;
  #closed = false;
  #heldBytes = 0;
  #transfers = 0;
  readonly #turns = new Turns(1);
  /** Bytes that are on their way into the blob store, and on the disk. */
  incomingBytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Refuses when the function is gone. */
  check(): void {
    if (this.#closed)
      throw new OutsideRefusal('access-denied', `the function "${this.name}" was removed, and its stores with it`);
  }

  /** Counts bytes that a request is about to hold; gives a function that lets go of them. */
  hold(bytes: number): () => void {
    if (this.#heldBytes + bytes > HELD_BYTES) {
      throw new OutsideRefusal(
        'other',
        `expected requests of at most ${HELD_BYTES} bytes at once, got ${bytes} more on top of ${this.#heldBytes}; wait for those that go on`,
      );
    }
    this.#heldBytes += bytes;
    let held = true;
    return () => {
      if (held) this.#heldBytes -= bytes;
      held = false;
    };
  }

  /**
   * Does work that takes the event loop milliseconds: one such piece of a function after the other, with whatever else the host has to do in between. Not
   * done when the signal fires before.
   */
  inTurn<Result>(work: () => Result, signal: AbortSignal): Promise<Result> {
    return this.#turns.run(async () => {
      await setImmediate();
      signal.throwIfAborted();
      this.check();
      return work();
    }, signal);
  }

  /** Counts an upload or download that is about to begin; gives a function that ends it, to be called once. */
  beginTransfer(): () => void {
    if (this.#transfers >= MAX_TRANSFERS) {
      throw new OutsideRefusal(
        'other',
        `expected at most ${MAX_TRANSFERS} uploads and downloads of the function at once, got one more; end some, or wait for them`,
      );
    }
    this.#transfers += 1;
    return () => {
      this.#transfers -= 1;
    };
  }

  /** The function is gone. */
  close(): void {
    this.#closed = true;
  }
}

import type { LateMessage } from './wire.ts';

/** How long a guest waits before it is looked whether it may go on waiting, milliseconds: nothing wakes it when it is interrupted. */
const LOOK_MS = 20;

const HERE = 1;

/** What workers share of files whose bytes come after the load: which are here. */
export type LateWords = Int32Array<SharedArrayBuffer>;

/** The agent's end: writes bytes of late files where all workers read them, and wakes who waits. */
export class LateWriter {
  readonly words: LateWords;
  readonly #files: Uint8Array;
  /** Where each begins, and the end of the last. */
  readonly #places: readonly number[];
  #open: { readonly late: number; at: number } | null = null;

  /** The bytes of late files, of these lengths, lie in `files` from `start` on. */
  constructor(files: Uint8Array, start: number, lengths: readonly number[]) {
    this.words = new Int32Array(new SharedArrayBuffer(4 * lengths.length));
    this.#files = files;
    const places = [start];
    for (const length of lengths) places.push(places.at(-1)! + length);
    this.#places = places;
  }

  /** The bytes of a file follow. Throws `RangeError` for one that there is not, or before another's have come. */
  begin({ late }: LateMessage): void {
    if (this.#open !== null || !(late < this.words.length))
      throw new RangeError(`expected one of ${this.words.length} late files, one after another, got ${late}`);
    this.#open = { late, at: this.#places[late]! };
    this.#finishIfWhole();
  }

  /** Takes bytes of the file that was begun; nobody sees them before all have come. */
  push(bytes: Uint8Array): void {
    const open = this.#open;
    if (open === null || open.at + bytes.length > this.#places[open.late + 1]!)
      throw new RangeError(`expected no more bytes of a late file, got ${bytes.length}`);
    this.#files.set(bytes, open.at);
    open.at += bytes.length;
    this.#finishIfWhole();
  }

  #finishIfWhole(): void {
    const { late, at } = this.#open!;
    if (at < this.#places[late + 1]!) return;
    this.#open = null;
    Atomics.store(this.words, late, HERE);
    Atomics.notify(this.words, late);
  }
}

/** A worker's end: makes a guest wait for the bytes of a file. Its whole thread waits, for WASI's reads of files give no promises. */
export class LateFiles {
  readonly #words: LateWords;
  readonly #want: (late: number) => void;

  /** `want` has a file sent before others. */
  constructor(words: LateWords, want: (late: number) => void) {
    this.#words = words;
    this.#want = want;
  }

  /** Returns when the bytes are here. `check` is called now and then meanwhile, and throws when the guest may not go on. */
  arrive(late: number, check: () => void): void {
    if (Atomics.load(this.#words, late) === HERE) return;
    this.#want(late);
    do check();
    while (Atomics.wait(this.#words, late, 0, LOOK_MS) === 'timed-out');
  }
}

import type { LatePlaces } from './late-places.ts';
import type { LateMessage } from './wire.ts';

/** How long a guest waits before it is looked whether it may go on waiting, milliseconds: nothing wakes it when it is interrupted. */
const LOOK_MS = 20;

const HERE = 1;

/** What workers share of files whose bytes come after the load: which of their pieces are here. */
export type LateWords = Int32Array<SharedArrayBuffer>;

/** The agent's end: writes bytes of late files where all workers read them, and wakes who waits. */
export class LateWriter {
  readonly words: LateWords;
  readonly #files: Uint8Array;
  readonly #start: number;
  readonly #places: LatePlaces;
  #open: { readonly piece: number; at: number; readonly end: number } | null = null;

  /** The bytes of late files lie in `files` from `start` on. */
  constructor(files: Uint8Array, start: number, places: LatePlaces) {
    this.words = new Int32Array(new SharedArrayBuffer(4 * places.count));
    this.#files = files;
    this.#start = start;
    this.#places = places;
  }

  /** The bytes of a piece follow. Throws `RangeError` for one that there is not, or before another's have come. */
  begin({ late, piece }: LateMessage): void {
    const at = this.#places.piece(late, piece);
    if (this.#open !== null || at === undefined)
      throw new RangeError(
        `expected one of ${this.#places.count} pieces of late files, one after another, got ${late}/${piece}`,
      );
    const [from, to] = this.#places.span(at);
    this.#open = { piece: at, at: this.#start + from, end: this.#start + to };
  }

  /** Takes bytes of the piece that was begun; nobody sees them before all have come. */
  push(bytes: Uint8Array): void {
    const open = this.#open;
    if (open === null || open.at + bytes.length > open.end)
      throw new RangeError(`expected no more bytes of a late file, got ${bytes.length}`);
    this.#files.set(bytes, open.at);
    open.at += bytes.length;
    if (open.at < open.end) return;
    this.#open = null;
    Atomics.store(this.words, open.piece, HERE);
    Atomics.notify(this.words, open.piece);
  }
}

/** A worker's end: makes a guest wait for bytes of a file. Its whole thread waits, for WASI's reads of files give no promises. */
export class LateFiles {
  readonly #words: LateWords;
  readonly #places: LatePlaces;
  readonly #want: (message: LateMessage) => void;

  /** `want` has a piece sent before others. */
  constructor(words: LateWords, places: LatePlaces, want: (message: LateMessage) => void) {
    this.#words = words;
    this.#places = places;
    this.#want = want;
  }

  /** Returns when the bytes of a file from `start` to before `end` are here. `check` is called now and then meanwhile, and throws when the guest may not go on. */
  arrive(late: number, start: number, end: number, check: () => void): void {
    const [from, to] = this.#places.covering(late, start, end);
    const missing: number[] = [];
    for (let at = from; at < to; at += 1) if (Atomics.load(this.#words, at) !== HERE) missing.push(at);
    // The last first: each goes to the front of those before it.
    const first = this.#places.first(late);
    for (const at of missing.toReversed()) this.#want({ late, piece: at - first });
    for (const at of missing)
      while (Atomics.load(this.#words, at) !== HERE) {
        check();
        Atomics.wait(this.#words, at, 0, LOOK_MS);
      }
  }
}

import { type ByteSource, StreamFailure } from '../wasi/index.ts';
import { ReceiveWindow } from './credit-window.ts';
import { WireError } from './wire-error.ts';

/** Pieces up to this size are joined while they wait: a sender of single bytes must not make its receiver hold an object for each. */
const JOINED_BYTES = 4 * 1024;

/** Bytes of the other side as they come; what was read, or is not wanted, is given back to the sender as credit. */
export class CreditedSource implements ByteSource {
  /** None when all bytes came at once: they used no credit. */
  readonly #window: ReceiveWindow | null;
  readonly #credit: (bytes: number) => void;
  readonly #finished: (() => void) | null;
  #chunks: Uint8Array[] = [];
  #failure: string | null = null;
  #ended = false;
  #closed = false;
  #isFinished = false;
  /** Made when it is needed, as for most bodies it is not. */
  #waiting: (() => void)[] | null = null;

  /** `whole` is all there will be when that is known, else null; `finished` is told once, when the reader has seen the end or wants no more. */
  constructor(
    windowBytes: number,
    credit: (bytes: number) => void,
    whole: Uint8Array | null = null,
    finished: (() => void) | null = null,
  ) {
    this.#credit = credit;
    this.#finished = finished;
    this.#window = whole === null ? new ReceiveWindow(windowBytes) : null;
    if (whole === null) return;
    if (whole.length > 0) this.#chunks.push(whole);
    this.#ended = true;
  }

  /** Takes bytes of the sender. More than it has credit for, or some after the last, is a `WireError`. */
  push(bytes: Uint8Array): void {
    if (this.#ended) throw new WireError('expected no bytes after the last');
    this.#window?.receive(bytes.length);
    if (this.#closed) {
      this.#consumed(bytes.length);
      return;
    }
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + bytes.length <= JOINED_BYTES) {
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, bytes]);
    } else {
      // A small part of what was read from a socket would keep the whole of it.
      this.#chunks.push(bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes);
    }
    this.#wake();
  }

  /** No more bytes come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** No more bytes come, though there should: the reader is told after those that are here. */
  fail(sentence: string): void {
    if (this.#ended) return;
    this.#failure = sentence;
    this.end();
  }

  get ready(): boolean {
    return this.#chunks.length > 0 || this.#ended || this.#closed;
  }

  read(max: number): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) return this.#ended || this.#closed ? this.#finish() : EMPTY;
    const taken = first.subarray(0, max);
    if (taken.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(taken.length);
    this.#consumed(taken.length);
    return taken;
  }

  wait(): Promise<void> {
    if (this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** The reader wants no more: the rest is swallowed, so that the sender is not left waiting. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const chunk of this.#chunks) this.#consumed(chunk.length);
    if (this.#chunks.length > 0) this.#chunks = [];
    this.#wake();
    this.#finish();
  }

  /** Reads all there will be, at most `limit` bytes; null when there is more. */
  async readAll(limit: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      await this.wait();
      const bytes = this.read(limit + 1);
      if (bytes === null) break;
      length += bytes.length;
      if (length > limit) return null;
      parts.push(bytes);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #finish(): null {
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.#finished?.();
    }
    if (this.#failure !== null && !this.#closed) throw new StreamFailure(this.#failure);
    return null;
  }

  #consumed(bytes: number): void {
    const credit = this.#window?.consume(bytes) ?? 0;
    if (credit > 0) this.#credit(credit);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) for (const resolve of waiting) resolve();
  }
}

const EMPTY = new Uint8Array(0);

import type { ByteSource } from '../wasi/index.ts';
import { ReceiveWindow, WINDOW_BYTES } from './credit-window.ts';

/** An invocation's input as the guest reads it; what it has read is given back to the sender as credit. */
export class GuestInput implements ByteSource {
  /** None when the input came with the request: it used no credit. */
  readonly #window: ReceiveWindow | null;
  readonly #credit: (bytes: number) => void;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #closed = false;
  #waiting: (() => void)[] = [];

  /** `whole` is all the input when it came with the request, else null. */
  constructor(whole: Uint8Array | null, credit: (bytes: number) => void) {
    this.#credit = credit;
    this.#window = whole === null ? new ReceiveWindow(WINDOW_BYTES) : null;
    if (whole === null) return;
    if (whole.length > 0) this.#chunks.push(whole);
    this.#ended = true;
  }

  push(bytes: Uint8Array): void {
    this.#window?.receive(bytes.length);
    if (this.#closed) {
      this.#consumed(bytes.length);
      return;
    }
    this.#chunks.push(bytes);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get ready(): boolean {
    return this.#chunks.length > 0 || this.#ended || this.#closed;
  }

  read(max: number): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) return this.#ended || this.#closed ? null : EMPTY;
    const taken = first.subarray(0, max);
    if (taken.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(taken.length);
    this.#consumed(taken.length);
    return taken;
  }

  wait(): Promise<void> {
    if (this.ready) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The guest wants no more: the rest is swallowed, so that the sender is not left waiting. */
  close(): void {
    this.#closed = true;
    for (const chunk of this.#chunks) this.#consumed(chunk.length);
    this.#chunks = [];
    this.#wake();
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

  #consumed(bytes: number): void {
    const credit = this.#window?.consume(bytes) ?? 0;
    if (credit > 0) this.#credit(credit);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

const EMPTY = new Uint8Array(0);

import { type ByteSink, StreamFailure } from '../wasi/index.ts';
import { CHUNK_BYTES, SendWindow, WINDOW_BYTES } from './credit-window.ts';

/** An invocation's answer as the guest writes it: posted at once, and held back by the credit of whoever reads it. */
export class GuestOutput implements ByteSink {
  readonly #window = new SendWindow(WINDOW_BYTES);
  readonly #post: (bytes: Uint8Array) => void;
  #closed = false;
  #abandoned = false;

  constructor(post: (bytes: Uint8Array) => void) {
    this.#post = post;
  }

  /** Whether the guest said that the answer is complete. */
  get closed(): boolean {
    return this.#closed;
  }

  get capacity(): number {
    if (this.#closed || this.#abandoned) throw new StreamFailure('the answer takes no more bytes');
    return this.#window.available;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      // A copy, which a Buffer's own slice is not: it leaves later, and the guest goes on with its memory.
      const piece = new Uint8Array(bytes.subarray(at, at + CHUNK_BYTES));
      if (this.#closed || this.#abandoned || this.#window.take(piece.length) !== piece.length) {
        throw new StreamFailure('the answer takes no more bytes');
      }
      this.#post(piece);
    }
  }

  /** Writes all bytes, waiting for credit; gives false when the answer was abandoned meanwhile. For answers that we make, not the guest. */
  async writeAll(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      await this.#window.wait();
      if (this.#abandoned) return false;
      const size = Math.min(this.#window.available, CHUNK_BYTES, bytes.length - at);
      this.write(bytes.subarray(at, at + size));
      at += size;
    }
    return true;
  }

  wait(): Promise<void> {
    return this.#window.wait();
  }

  /** What was written was posted at once. */
  flush(): undefined {
    return undefined;
  }

  close(): void {
    this.#closed = true;
  }

  credit(bytes: number): void {
    this.#window.add(bytes);
  }

  /** Nobody reads the answer any more: the guest's next write fails. */
  abandon(): void {
    this.#abandoned = true;
    this.#window.release();
  }
}

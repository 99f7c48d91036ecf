import { WireError } from './wire-error.ts';

/** Longest `body` payload that a sender makes: small enough to interleave with control frames, and to fit a slot of the disk. */
export const CHUNK_BYTES = 256 * 1024;

/** Longest input that travels with its request, bytes: more is faster by the disk. */
export const INLINE_BYTES = 16 * 1024;

/** Body bytes in flight for one id and direction. */
export const WINDOW_BYTES = 1024 * 1024;

/** The sender's side of a body's credit: how many bytes may still go out before the receiver says more. */
export class SendWindow {
  readonly #windowBytes: number;
  #available: number;
  /** Made when it is needed, as for most bodies it is not. */
  #waiting: (() => void)[] | null = null;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
    this.#available = windowBytes;
  }

  /** Bytes that may be sent now. */
  get available(): number {
    return this.#available;
  }

  /** Takes up to `wanted` bytes of credit and gives what it took; 0 means wait. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.#available);
    this.#available -= taken;
    return taken;
  }

  /** The receiver consumed `bytes`. More than was ever sent is a `WireError`. */
  add(bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || this.#available + bytes > this.#windowBytes) {
      throw new WireError(
        `expected credit for at most ${this.#windowBytes - this.#available} bytes in flight, got ${bytes}`,
      );
    }
    this.#available += bytes;
    this.#wake();
  }

  /** Resolves when there may be credit again, or after `release`. */
  wait(): Promise<void> {
    if (this.#available > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** Wakes everyone who waits: the body has no receiver any more. */
  release(): void {
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) for (const resolve of waiting) resolve();
  }
}

/** The receiver's side of a body's credit: refuses what was never allowed and says when to tell the sender of consumed bytes. */
export class ReceiveWindow {
  readonly #windowBytes: number;
  #held = 0;
  #unreported = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** Bytes came. More than the window holds is a `WireError`: the sender ignores credit. */
  receive(bytes: number): void {
    if (this.#held + this.#unreported + bytes > this.#windowBytes) {
      throw new WireError(
        `expected at most ${this.#windowBytes} body bytes in flight, got ${this.#held + this.#unreported + bytes}`,
      );
    }
    this.#held += bytes;
  }

  /** Bytes were used up. Gives the credit to send now, 0 while it is too little to be worth a frame. */
  consume(bytes: number): number {
    this.#held -= bytes;
    this.#unreported += bytes;
    if (this.#unreported < this.#windowBytes / 4) return 0;
    const credit = this.#unreported;
    this.#unreported = 0;
    return credit;
  }
}

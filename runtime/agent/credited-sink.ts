import { type ByteSink, StreamFailure } from '../wasi/index.ts';
import { CHUNK_BYTES, SendWindow } from './credit-window.ts';

/** What else holds back a sink, such as a stream that many share. */
export interface SinkRoom {
  readonly full: boolean;
  /** Resolves when it may not be full any more; never rejects. */
  room(): Promise<void>;
}

/** Bytes to the other side: posted at once, and held back by the credit of whoever reads them. */
export class CreditedSink implements ByteSink {
  readonly #window: SendWindow;
  readonly #post: (bytes: Uint8Array) => void;
  readonly #ended: (() => void) | null;
  readonly #room: SinkRoom | null;
  #closed = false;
  #abandoned = false;

  /** `ended` is told once, when the writer says that no more bytes come. `post` is given the writer's own memory, which may change as soon as it returns. */
  constructor(
    windowBytes: number,
    post: (bytes: Uint8Array) => void,
    ended: (() => void) | null = null,
    room: SinkRoom | null = null,
  ) {
    this.#window = new SendWindow(windowBytes);
    this.#post = post;
    this.#ended = ended;
    this.#room = room;
  }

  /** Whether the writer said that no more bytes come. */
  get closed(): boolean {
    return this.#closed;
  }

  get capacity(): number {
    if (this.#closed || this.#abandoned) throw noMore();
    return this.#room?.full === true ? 0 : this.#window.available;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const piece = bytes.length <= CHUNK_BYTES ? bytes : bytes.subarray(at, at + CHUNK_BYTES);
      if (this.#closed || this.#abandoned || this.#window.take(piece.length) !== piece.length) throw noMore();
      this.#post(piece);
    }
  }

  /** Writes all bytes, waiting for credit; gives false when nobody reads them any more. For answers that we make, not the guest. */
  async writeAll(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      await this.wait();
      if (this.#abandoned) return false;
      const size = Math.min(this.#window.available, CHUNK_BYTES, bytes.length - at);
      this.write(bytes.subarray(at, at + size));
      at += size;
    }
    return true;
  }

  wait(): Promise<void> {
    if (this.#closed || this.#abandoned) return Promise.resolve();
    return this.#room === null ? this.#window.wait() : this.#waitForRoom(this.#room);
  }

  /** What was written was posted at once. */
  flush(): undefined {
    return undefined;
  }

  close(): void {
    if (this.#closed || this.#abandoned) return;
    this.#closed = true;
    this.#ended?.();
  }

  /** The reader used up bytes. More than were sent is a `WireError`. */
  credit(bytes: number): void {
    this.#window.add(bytes);
  }

  /** Nobody reads any more: the next write fails. */
  abandon(): void {
    this.#abandoned = true;
    this.#window.release();
  }

  async #waitForRoom(room: SinkRoom): Promise<void> {
    await this.#window.wait();
    if (room.full) await room.room();
  }
}

function noMore(): StreamFailure {
  return new StreamFailure('no more bytes are taken');
}

import type { Duplex } from 'node:stream';
import {
  BULK_FROM_BYTES,
  encodeFrame,
  encodeHeader,
  encodeMessage,
  HEADER_BYTES,
  type KindName,
} from '../../agent/wire.ts';
import type { BulkRing } from './bulk-ring.ts';

/** Payloads up to this size are copied into their frame, and with what is written beside them; longer ones are written as they are. */
const COPIED_BYTES = 4 * 1024;

/** Frames that wait for each other are written at the latest when they are so many bytes. */
const HELD_BYTES = 64 * 1024;

/** Most bytes that may wait for an agent while it sends: each of its frames may be answered by one, which it need not read. */
export const UNREAD_BYTES = 16 * 1024 * 1024;

/** Writes frames to a machine's channel; frames of one round of the event loop, of all invocations, go out in one system call. */
export class FrameWriter {
  readonly #stream: Duplex;
  readonly #bulk: BulkRing | null;
  #retired = false;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #drained: Promise<void> | null = null;
  readonly #flushNow = () => this.#flush();

  /** `bulk` carries large bodies, where the machine has a disk for them. */
  constructor(stream: Duplex, bulk: BulkRing | null = null) {
    this.#stream = stream;
    this.#bulk = bulk;
  }

  /** Bytes that the other side has not taken yet. */
  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  /** Whether body frames should wait for `room`. */
  get full(): boolean {
    return this.#drained !== null;
  }

  message(kind: KindName, id: number, message: unknown): void {
    this.raw(kind, id, encodeMessage(message));
  }

  /** Writes a `body`: by the disk when the bytes are many and a slot is free, else by the port. */
  body(id: number, bytes: Uint8Array): void {
    if (this.#retired || !this.#stream.writable) return;
    const placed = bytes.length < BULK_FROM_BYTES ? null : (this.#bulk?.place(bytes) ?? null);
    if (placed === null) this.raw('body', id, bytes);
    else this.raw('bulk', id, placed);
  }

  /** Writes a frame whose payload is bytes, which must not change any more. After the channel ended it does nothing: the reader reports the end. */
  raw(kind: KindName, id: number, payload: Uint8Array): void {
    if (this.#retired || !this.#stream.writable) return;
    if (this.#heldBytes === 0) setImmediate(this.#flushNow);
    if (payload.length <= COPIED_BYTES) this.#held.push(encodeFrame(kind, id, payload));
    else this.#held.push(encodeHeader(kind, id, payload.length), payload);
    this.#heldBytes += HEADER_BYTES + payload.length;
    if (this.#heldBytes > HELD_BYTES) this.#flush();
  }

  /** Writes what waits when all that runs now has: it is not worth waiting for more. */
  soon(): void {
    process.nextTick(this.#flushNow);
  }

  /** Writes nothing any more, nor what waits: the stream goes on with another writer. Whole frames have been written. */
  retire(): void {
    this.#retired = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #flush(): void {
    if (this.#heldBytes === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#bulk?.freedLeft();
    if (!this.#stream.writable) return;
    // What is one buffer goes the short way of a stream.
    const isOne = held.length === 1 || held.every(isCopied);
    if (!isOne) this.#stream.cork();
    let full = false;
    for (let from = 0; from < held.length; ) {
      // Long bodies are not copied once more; the cork makes one system call of all.
      let to = from + 1;
      while (to < held.length && isCopied(held[to - 1]!) && isCopied(held[to]!)) to += 1;
      full = !this.#stream.write(to === from + 1 ? held[from]! : Buffer.concat(held.slice(from, to)));
      from = to;
    }
    if (!isOne) this.#stream.uncork();
    if (full) this.#drained ??= this.#nextDrain();
  }

  /** Resolves when the stream wants more bytes, or has ended. Body frames wait for it, control frames do not. */
  async room(): Promise<void> {
    await this.#drained;
  }

  #nextDrain(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#stream.off('drain', settle);
        this.#stream.off('close', settle);
        this.#drained = null;
        resolve();
      };
      this.#stream.on('drain', settle);
      this.#stream.on('close', settle);
    });
  }
}

function isCopied({ length }: Uint8Array): boolean {
  return length <= HEADER_BYTES + COPIED_BYTES;
}

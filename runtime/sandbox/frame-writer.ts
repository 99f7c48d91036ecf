import type { Duplex } from 'node:stream';
import { BULK_FROM_BYTES, encodeHeader, encodeMessage, type KindName } from '../agent/wire.ts';
import type { BulkRing } from './bulk-ring.ts';

/** Writes frames to a machine's channel; frames of one turn of the event loop go out in one system call. */
export class FrameWriter {
  readonly #stream: Duplex;
  readonly #bulk: BulkRing | null;
  #corked = false;
  #drained: Promise<void> | null = null;

  /** `bulk` carries large bodies, where the machine has a disk for them. */
  constructor(stream: Duplex, bulk: BulkRing | null = null) {
    this.#stream = stream;
    this.#bulk = bulk;
  }

  message(kind: KindName, id: number, message: unknown): void {
    this.raw(kind, id, encodeMessage(message));
  }

  /** Writes a `body`: by the disk when the bytes are many and a slot is free, else by the port. */
  body(id: number, bytes: Uint8Array): void {
    if (!this.#stream.writable) return;
    const placed = bytes.length < BULK_FROM_BYTES ? null : (this.#bulk?.place(bytes) ?? null);
    if (placed === null) this.raw('body', id, bytes);
    else this.raw('bulk', id, placed);
  }

  /** Writes a frame whose payload is bytes, which must not change any more. After the channel ended it does nothing: the reader reports the end. */
  raw(kind: KindName, id: number, payload: Uint8Array): void {
    if (!this.#stream.writable) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    // Apart, so that a body's bytes are not copied once more; the cork makes one system call of both.
    this.#stream.write(encodeHeader(kind, id, payload.length));
    if (!this.#stream.write(payload)) this.#drained ??= this.#nextDrain();
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

import { HEADER_BYTES, SLOT_BYTES, writeHeader } from './wire.ts';

/**
 * Where what a guest writes comes together on its way out, in the form in which it leaves: bytes are copied once, out of the writer's memory. It has room for
 * what a slot of the disk holds, and before that for the header of a frame.
 */
export class BodyRoom {
  readonly #frame: Buffer;
  #length = 0;

  /** `memory` has `HEADER_BYTES` before the bytes of a slot; a disk may want it where it can read and write it unbuffered. */
  constructor(memory: Buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + SLOT_BYTES)) {
    this.#frame = memory;
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  /** The memory behind the header: what has come, and whatever was there before. */
  get memory(): Uint8Array {
    return this.#frame.subarray(HEADER_BYTES);
  }

  /** Takes bytes, by a copy; there must be room for them. */
  add(bytes: Uint8Array): void {
    this.#frame.set(bytes, HEADER_BYTES + this.#length);
    this.#length += bytes.length;
  }

  /** What has come as a `body` frame: a view, which holds until the next bytes come. It is empty then. */
  take(id: number): Uint8Array {
    const length = this.#length;
    this.#length = 0;
    writeHeader(this.#frame, 'body', id, length);
    return this.#frame.subarray(0, HEADER_BYTES + length);
  }

  /** It is empty: what has come left by another way. */
  clear(): void {
    this.#length = 0;
  }
}

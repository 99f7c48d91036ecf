import type { PackRoom } from './packed-message.ts';
import { HEADER_BYTES, type KindName, writeHeader } from './wire.ts';

/** Room that stays: for the answers of a dozen small invocations, or for one of a body as long as is sent at once, with its head. */
const ROOM_BYTES = 96 * 1024;

/** Frames on their way out, one behind the other in memory that stays: what is said is written to where it leaves from. */
export class FrameRoom implements PackRoom {
  #memory: Buffer = Buffer.allocUnsafeSlow(ROOM_BYTES);
  #length = 0;
  #kind: KindName = 'mark';
  #id = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get memory(): Buffer {
    return this.#memory;
  }

  /** Where the payload of one frame can be packed. */
  of(kind: KindName, id: number): PackRoom {
    this.#kind = kind;
    this.#id = id;
    return this;
  }

  place(payloadBytes: number): number {
    this.#makeRoom(HEADER_BYTES + payloadBytes);
    writeHeader(this.#memory, this.#kind, this.#id, payloadBytes, this.#length);
    const at = this.#length + HEADER_BYTES;
    this.#length = at + payloadBytes;
    return at;
  }

  /** Takes a whole frame, by a copy. */
  add(frame: Uint8Array): void {
    this.#makeRoom(frame.length);
    this.#memory.set(frame, this.#length);
    this.#length += frame.length;
  }

  /** Takes a frame, by a copy. */
  put(kind: KindName, id: number, payload: Uint8Array): void {
    const at = this.of(kind, id).place(payload.length);
    if (payload.length > 0) this.#memory.set(payload, at);
  }

  /** All that there is: a view, which holds until the next frame comes. The room is empty then. */
  take(): Uint8Array {
    const all = this.#memory.subarray(0, this.#length);
    this.#length = 0;
    if (this.#memory.length > ROOM_BYTES) this.#memory = Buffer.allocUnsafeSlow(ROOM_BYTES);
    return all;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    larger.set(this.#memory.subarray(0, this.#length));
    this.#memory = larger;
  }
}

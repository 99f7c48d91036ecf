import { u32 } from './packed-message.ts';
import { type Frame, HEADER_BYTES, KIND_NAMES, MAX_FRAME_BYTES, WIRE_VERSION } from './wire.ts';
import { WireError } from './wire-error.ts';

/** Cuts a byte stream into frames. Never holds more than one frame's bytes; throws `WireError` on the first bad header. */
export class FrameReader {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Takes the next bytes of the stream and gives the frames that they complete. The payloads are views or copies that the caller may keep. */
  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.#length > 0 || bytes.length === 0) {
      this.#parts.push(bytes);
      this.#length += bytes.length;
      const needed = this.#needed();
      if (this.#length < needed) return frames;
    }
    const whole = this.#length === 0 ? bytes : this.#joined();
    let at = 0;
    while (whole.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + payloadLength(whole, at);
      if (end > whole.length) break;
      frames.push({
        kind: KIND_NAMES[whole[at + 5]!]!,
        id: u32(whole, at + 8),
        payload: whole.subarray(at + HEADER_BYTES, end),
      });
      at = end;
    }
    this.#length = whole.length - at;
    if (this.#length > 0) this.#parts = [whole.subarray(at)];
    else if (this.#parts.length > 0) this.#parts = [];
    return frames;
  }

  /** Bytes of an unfinished frame that are held. */
  get pendingBytes(): number {
    return this.#length;
  }

  /** Bytes that the first frame takes, as far as its header is here. */
  #needed(): number {
    if (this.#length < HEADER_BYTES) return HEADER_BYTES;
    if (this.#parts[0]!.length < HEADER_BYTES) this.#parts = [this.#joined()];
    return HEADER_BYTES + payloadLength(this.#parts[0]!, 0);
  }

  #joined(): Uint8Array {
    if (this.#parts.length === 1) return this.#parts[0]!;
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }
}

/** What the header of a frame says, if it is one. */
function payloadLength(bytes: Uint8Array, at: number): number {
  const length = u32(bytes, at);
  if (length > MAX_FRAME_BYTES) {
    throw new WireError(`expected a frame of at most ${MAX_FRAME_BYTES} bytes, got ${length}`);
  }
  if (bytes[at + 4] !== WIRE_VERSION)
    throw new WireError(`expected wire version ${WIRE_VERSION}, got ${bytes[at + 4]}`);
  if (KIND_NAMES[bytes[at + 5]!] === undefined) {
    throw new WireError(`expected a known kind of frame, got ${bytes[at + 5]}`);
  }
  if (bytes[at + 6] !== 0 || bytes[at + 7] !== 0) throw new WireError('expected two zero bytes in a frame header');
  return length;
}

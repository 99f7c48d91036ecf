import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Longest name anywhere in a file, bytes: names are kept, compared and told to people, so a file must not be one long name. */
const MAX_NAME_BYTES = 8192;

/** The refusal of a component that came from outside: one sentence for the person who published it. */
export function refused(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('component-refused', sentence, cause === undefined ? {} : { cause });
}

/**
 * Reads WebAssembly's binary encoding from untrusted bytes. Every read is checked against the end of its part; a failure
 * is a `component-refused` that says at which byte of the file what was expected.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Where this part ends, as an offset in `bytes`. */
  readonly end: number;
  /** The next byte to read, as an offset in `bytes`. */
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(what: string): number {
    if (this.at >= this.end) throw this.#short(what);
    return this.bytes[this.at++]!;
  }

  /** The next byte without consuming it. */
  peek(what: string): number {
    if (this.at >= this.end) throw this.#short(what);
    return this.bytes[this.at]!;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8(what);
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.malformed(`${what} as a number below 2^32`);
  }

  /** A signed LEB128 number of at most 33 bits, as block types and value types use it. */
  s33(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8(what);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw this.malformed(`${what} as a number of 33 bits`);
  }

  /** Steps over one LEB128 number of at most `bits` bits, of either sign. */
  skipLeb(what: string, bits = 32): void {
    for (let n = Math.ceil(bits / 7); n > 0; n -= 1) if (this.u8(what) < 0x80) return;
    throw this.malformed(`${what} as a number of ${bits} bits`);
  }

  /** A count of things of which each takes at least one byte, so that nobody allocates for a count that the input cannot hold. */
  count(what: string): number {
    const at = this.at;
    const count = this.u32(`the number of ${what}`);
    const left = this.end - this.at;
    if (count > left) {
      this.at = at;
      throw this.malformed(`${what} (${count} are announced, ${left} bytes are left)`);
    }
    return count;
  }

  /** A length-prefixed UTF-8 string. */
  name(what: string): string {
    const length = this.u32(`the length of ${what}`);
    if (length > MAX_NAME_BYTES && length <= this.end - this.at)
      throw refused(`expected names of at most ${MAX_NAME_BYTES} bytes, got ${what} of ${length}`);
    const bytes = this.take(length, what);
    try {
      return UTF8.decode(bytes);
    } catch (error) {
      throw refused(`expected ${what} as UTF-8 text before byte ${this.at}, got bytes that are none`, error);
    }
  }

  /** The next `length` bytes, as a view. */
  take(length: number, what: string): Uint8Array {
    const at = this.at;
    this.skip(length, what);
    return this.bytes.subarray(at, this.at);
  }

  skip(length: number, what: string): void {
    if (length > this.end - this.at) throw this.#short(what);
    this.at += length;
  }

  /** A reader for the next `length` bytes, which are consumed here. Offsets stay those of the whole file. */
  part(length: number, what: string): ByteReader {
    const at = this.at;
    this.skip(length, what);
    return new ByteReader(this.bytes, at, at + length);
  }

  /** Refuses bytes that are left over at the end of a part. */
  finish(what: string): void {
    if (!this.done) throw refused(`expected ${what} to end at byte ${this.at}, got ${this.end - this.at} more bytes`);
  }

  /** The refusal for something else than was expected at the byte before which the reader stands. */
  malformed(what: string): CloudletError {
    return refused(`expected ${what} at byte ${this.at}; the file is damaged or not what it says it is`);
  }

  #short(what: string): CloudletError {
    return this.end === this.bytes.length
      ? refused(`expected ${what} at byte ${this.at}, but the file ends at byte ${this.end}: it is truncated`)
      : refused(`expected ${what} at byte ${this.at}, but its section ends at byte ${this.end}`);
  }
}

/** A number that ended before it was complete, or is larger than any here. */
export class VarintError extends Error {}

/** Numbers below 2^48: places of a disk of 2^60 bytes. */
const MAX_BYTES = 7;

/** Writes numbers in groups of seven bits, the lowest first. */
export class VarintWriter {
  readonly #bytes: number[] = [];

  /** A number that is not negative. */
  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes.push((rest % 0x80) | 0x80);
    this.#bytes.push(rest);
  }

  /** Any integer; those near zero are short. */
  signed(value: number): void {
    this.unsigned(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads what `VarintWriter` wrote, or somebody else. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1, read = 0; read < MAX_BYTES; scale *= 0x80, read++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new VarintError('a number is cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new VarintError('a number is too long');
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

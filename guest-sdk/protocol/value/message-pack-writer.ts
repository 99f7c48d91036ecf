/** A value of an extension type. */
export interface Extension {
  /** -128 to 127. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** How MessagePack is written. */
export interface WriteOptions {
  /** Asked for `undefined` and for views of memory that are not bytes; gives undefined for what is not its own. */
  readonly extension?: (value: unknown) => Extension | undefined;
}

/**
 * Writes plain data as MessagePack: null (and undefined), booleans, numbers (integers as the shortest form that holds them,
 * others as 64-bit floats), BigInt within 64 bits, strings, `Uint8Array` as bin, arrays, and objects as maps of their own
 * properties. Throws `TypeError` for anything else; this is for data of ours, already checked.
 */
export function writeMessagePack(value: unknown, options: WriteOptions = {}): Uint8Array {
  const writer = new Writer(options);
  writer.value(value);
  return writer.written();
}

const UTF8 = new TextEncoder();

/** Longest text in bytes whose length fits the short code. */
const SHORT_TEXT = 31;

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #extension: WriteOptions['extension'];

  constructor({ extension }: WriteOptions) {
    this.#extension = extension;
  }

  written(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  value(value: unknown): void {
    if (value === null) this.#code(0xc0);
    else if (value === undefined) this.#extended(value, 0xc0);
    else if (typeof value === 'boolean') this.#code(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#integer(value);
    else if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'object') this.#object(value);
    else throw new TypeError(`expected plain data, got a ${typeof value}`);
  }

  #object(value: object): void {
    if (value instanceof Uint8Array) {
      this.#header(value.length, undefined, 0xc4);
      this.#raw(value);
    } else if (ArrayBuffer.isView(value)) {
      this.#extended(value, undefined);
    } else if (Array.isArray(value)) {
      this.#header(value.length, [0x90, 15], 0xdb);
      for (const item of value) this.value(item);
    } else {
      // Not entries: those have no code of their own in V8, and are an array more for each member.
      const keys = Object.keys(value);
      this.#header(keys.length, [0x80, 15], 0xdd);
      for (const key of keys) {
        this.#string(key);
        this.value((value as Record<string, unknown>)[key]);
      }
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= -32 && value < 128) this.#code(value & 0xff);
      else if (value >= 0 && value <= 0xffff_ffff) this.#header(value, undefined, 0xcc);
      else this.#integer64(BigInt(value));
      return;
    }
    const at = this.#grow(9);
    this.#view.setUint8(at, 0xcb);
    this.#view.setFloat64(at + 1, value);
  }

  #integer(value: bigint): void {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new TypeError(`expected an integer of 64 bits, got ${value}`);
    if (value >= -32n && value <= 0xffff_ffffn) this.#number(Number(value));
    else this.#integer64(value);
  }

  #integer64(value: bigint): void {
    const at = this.#grow(9);
    this.#view.setUint8(at, value < 0n ? 0xd3 : 0xcf);
    if (value < 0n) this.#view.setBigInt64(at + 1, value);
    else this.#view.setBigUint64(at + 1, value);
  }

  #string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return;
    const bytes = UTF8.encode(text);
    this.#header(bytes.length, [0xa0, 31], 0xd9);
    this.#raw(bytes);
  }

  /**
   * Writes a text of at most `SHORT_TEXT` characters when they are all ASCII; keys mostly are, and the encoder's call costs
   * more than they do.
   */
  #shortAscii(text: string): boolean {
    const at = this.#grow(text.length + 1);
    this.#bytes[at] = 0xa0 | text.length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#at = at;
        return false;
      }
      this.#bytes[at + 1 + index] = code;
    }
    return true;
  }

  /** A length, in the form's short code when it fits, else in 8, 16 or 32 bits after `long`, `long + 1` or `long + 2`. */
  #header(length: number, short: readonly [code: number, most: number] | undefined, long: number): void {
    if (short !== undefined && length <= short[1]) {
      this.#code(short[0] | length);
      return;
    }
    const at = this.#grow(5);
    // Arrays and maps have no 8-bit form: their `long` is one below their 16-bit code.
    if (length <= 0xff && long !== 0xdb && long !== 0xdd) {
      this.#view.setUint8(at, long);
      this.#view.setUint8(at + 1, length);
      this.#at -= 3;
    } else if (length <= 0xffff) {
      this.#view.setUint8(at, long + 1);
      this.#view.setUint16(at + 1, length);
      this.#at -= 2;
    } else {
      this.#view.setUint8(at, long + 2);
      this.#view.setUint32(at + 1, length);
    }
  }

  #extended(value: unknown, otherwise: number | undefined): void {
    const extension = this.#extension?.(value);
    if (extension === undefined) {
      if (otherwise === undefined) throw new TypeError('expected plain data, got a typed array');
      this.#code(otherwise);
      return;
    }
    const { type, data } = extension;
    if (data.length === 1) this.#code(0xd4);
    else this.#header(data.length, undefined, 0xc7);
    this.#code(type & 0xff);
    this.#raw(data);
  }

  #code(code: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, code);
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /**
   * Makes room for `length` bytes and moves past them; where they start. Replaces `#bytes` and `#view` when they are too
   * short.
   */
  #grow(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

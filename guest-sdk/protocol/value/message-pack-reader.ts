import { CloudletError } from '../errors.ts';
import { VALUE_LIMITS, type ValueLimits } from './value-limits.ts';

/** What an extension type stands for, or undefined when it is not known. */
export type ReadExtension = (type: number, data: Uint8Array) => { readonly value: unknown } | undefined;

/** How MessagePack is read. */
export interface ReadOptions {
  readonly limits?: ValueLimits;
  /** Extension types that the sender may use; none by default. */
  readonly extension?: ReadExtension;
}

/**
 * Reads one MessagePack value that came from outside. Integers beyond 2^53 are BigInt, other numbers are numbers; bin is a
 * view of `bytes`. Lengths are checked against what is there before memory is spent on them; keys are strings, each once; no
 * extension types unless asked for. Anything else is `request-invalid`.
 */
export function readMessagePack(bytes: Uint8Array, options: ReadOptions = {}): unknown {
  const reader = new Reader(bytes, options);
  const value = reader.value();
  if (reader.left > 0) throw refused(`one value, got ${reader.left} more bytes after it`);
  return value;
}

/** Longest text, in bytes, that is read without the decoder. */
const SHORT_TEXT = 24;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #limits: ValueLimits;
  readonly #extension: ReadExtension | undefined;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;
  #depth = 0;
  #nodes = 0;

  constructor(bytes: Uint8Array, { limits = VALUE_LIMITS, extension }: ReadOptions) {
    // A plain view: the `slice` of a Node Buffer would share memory with what lies beside it.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#limits = limits;
    this.#extension = extension;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  value(): unknown {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.nodes) throw refused(`at most ${this.#limits.nodes} values, got more`);
    const code = this.#unsigned(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.#map(code & 0x0f);
    if (code < 0xa0) return this.#array(code & 0x0f);
    if (code < 0xc0) return this.#string(code & 0x1f);
    if (code >= 0xe0) return code - 0x100;
    return this.#long(code);
  }

  #long(code: number): unknown {
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#unsigned(1 << (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extended(this.#unsigned(1 << (code - 0xc7)));
      case 0xca:
        return this.#view.getFloat32(this.#advance(4));
      case 0xcb:
        return this.#view.getFloat64(this.#advance(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (code - 0xcc));
      case 0xcf:
        return numberWhenSafe(this.#view.getBigUint64(this.#advance(8)));
      case 0xd0:
        return this.#view.getInt8(this.#advance(1));
      case 0xd1:
        return this.#view.getInt16(this.#advance(2));
      case 0xd2:
        return this.#view.getInt32(this.#advance(4));
      case 0xd3:
        return numberWhenSafe(this.#view.getBigInt64(this.#advance(8)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extended(1 << (code - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#unsigned(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(2 << (code - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(2 << (code - 0xde)));
      default:
        throw refused(`a MessagePack value, got the unused code 0x${code.toString(16)}`);
    }
  }

  #array(length: number): unknown[] {
    this.#enter(length);
    const items: unknown[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.value());
    this.#depth -= 1;
    return items;
  }

  #map(length: number): Record<string, unknown> {
    this.#enter(length * 2);
    const entries: Record<string, unknown> = {};
    for (let index = 0; index < length; index += 1) {
      const key = this.value();
      if (typeof key !== 'string') throw refused(`text as the key of a map, got ${typeof key}`);
      // Assigning this key would set the object's prototype instead of a property, and no WIT name is like it.
      if (key === '__proto__') throw refused('a WIT name as the key of a map, got "__proto__"');
      if (Object.hasOwn(entries, key)) throw refused(`each key of a map once, got ${JSON.stringify(key)} twice`);
      entries[key] = this.value();
    }
    this.#depth -= 1;
    return entries;
  }

  /** Every item takes a byte at least, so a length beyond what is left is false. */
  #enter(items: number): void {
    if (items > this.left) throw refused(`${items} more values, got ${this.left} more bytes`);
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) {
      throw refused(`at most ${this.#limits.depth} arrays or maps within one another, got more`);
    }
  }

  #string(length: number): string {
    if (length <= SHORT_TEXT) {
      const text = this.#shortAscii(length);
      if (text !== undefined) return text;
    }
    try {
      return this.#text.decode(this.#take(length));
    } catch (error) {
      if (error instanceof CloudletError) throw error;
      throw refused('text in UTF-8, got bytes that are not');
    }
  }

  /** A short text when it is all ASCII; keys mostly are, and the decoder's call costs more than they do. */
  #shortAscii(length: number): string | undefined {
    if (length > this.left) return undefined;
    let text = '';
    for (let index = this.#at; index < this.#at + length; index += 1) {
      const code = this.#bytes[index]!;
      if (code > 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    this.#at += length;
    return text;
  }

  #extended(length: number): unknown {
    const type = this.#view.getInt8(this.#advance(1));
    const known = this.#extension?.(type, this.#take(length));
    if (known === undefined) throw refused(`plain values, got the extension type ${type}`);
    return known.value;
  }

  #unsigned(width: number): number {
    const at = this.#advance(width);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  #advance(length: number): number {
    if (length > this.left) throw refused(`${length} more bytes, got ${this.left}: the value is cut short`);
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

function numberWhenSafe(integer: bigint): number | bigint {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

function refused(sentence: string): CloudletError {
  return new CloudletError('request-invalid', `expected MessagePack with ${sentence}`);
}

/** UTF-8 for an engine without TextEncoder. The loops are the engine's own functions where possible: its bytecode is slow. */

/** Most arguments of one call that QuickJS's stack takes with ease. */
const APPLY_BYTES = 8192;

const NON_ASCII = /[^\0-\x7f]/;

/** Encodes to UTF-8; a lone surrogate becomes U+FFFD. */
export class TextEncoder {
  readonly encoding = 'utf-8';

  encode(text = ''): Uint8Array<ArrayBuffer> {
    const string = String(text);
    const binary = NON_ASCII.test(string) ? unescape(encodeURIComponent(string.toWellFormed())) : string;
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return bytes;
  }
}

/** Decodes UTF-8; what is none becomes U+FFFD, or a TypeError with `fatal`. A byte order mark is dropped. */
export class TextDecoder {
  readonly encoding = 'utf-8';
  readonly fatal: boolean;

  constructor(label = 'utf-8', options: { readonly fatal?: boolean } = {}) {
    if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(label)) throw new RangeError(`only UTF-8 can be decoded, not ${label}`);
    this.fatal = options.fatal ?? false;
  }

  decode(input: ArrayBuffer | ArrayBufferView = new Uint8Array(0)): string {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    let binary = '';
    for (let at = 0; at < bytes.length; at += APPLY_BYTES) {
      binary += String.fromCharCode(...bytes.subarray(at, at + APPLY_BYTES));
    }
    return this.#text(binary, bytes).replace(/^\uFEFF/, '');
  }

  #text(binary: string, bytes: Uint8Array): string {
    if (!NON_ASCII.test(binary)) return binary;
    try {
      return decodeURIComponent(escape(binary));
    } catch (error) {
      if (this.fatal) throw new TypeError('the bytes are not UTF-8', { cause: error });
      return decodeLoosely(bytes);
    }
  }
}

/** Decodes what is not wholly UTF-8: one U+FFFD for each longest piece that no character begins with. */
function decodeLoosely(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const { length, char } = decodeOne(bytes, at);
    text += char;
    at += length;
  }
  return text;
}

function decodeOne(bytes: Uint8Array, at: number): { readonly length: number; readonly char: string } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { length: 1, char: String.fromCharCode(first) };
  const size =
    first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
  let point = first & (0xff >> (size + 1));
  for (let next = 1; next < size; next++) {
    const byte = bytes[at + next] ?? 0;
    // The second byte also rules out overlong forms, surrogates and what lies beyond Unicode.
    const low = next > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = next > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return { length: next, char: '\uFFFD' };
    point = (point << 6) | (byte & 0x3f);
  }
  return size === 0 ? { length: 1, char: '\uFFFD' } : { length: size, char: String.fromCodePoint(point) };
}

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = '='.charCodeAt(0);
const INVALID = 0xff;
const VALUES = new Uint8Array(256).fill(INVALID);
for (const [value, code] of ALPHABET.entries()) VALUES[code] = value;

/**
 * The bytes of canonical base64 (RFC 4648 section 4): padded, no other character, unused bits zero. Undefined for any other text.
 * Every byte string has exactly one accepted text, so that equal texts and equal bytes are the same question.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let index = 0; index < digits; index += 1) {
    const code = text.charCodeAt(index);
    const value = code < 256 ? VALUES[code]! : INVALID;
    if (value === INVALID) return undefined;
    held = ((held << 6) | value) & 0xffff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[at] = (held >> heldBits) & 0xff;
    at += 1;
  }
  const unused = held & ((1 << heldBits) - 1);
  return unused === 0 ? bytes : undefined;
}

/** Canonical base64 of the bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  let at = 0;
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index;
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text[at] = ALPHABET[group >> 18]!;
    text[at + 1] = ALPHABET[(group >> 12) & 63]!;
    if (left > 1) text[at + 2] = ALPHABET[(group >> 6) & 63]!;
    if (left > 2) text[at + 3] = ALPHABET[group & 63]!;
    at += 4;
  }
  return new TextDecoder().decode(text);
}

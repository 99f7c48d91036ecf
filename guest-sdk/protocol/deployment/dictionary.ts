import { type Digest, digestOfHex, hexOf } from '../digest.ts';

/** Content coding of zstd with a dictionary that both sides have (RFC 9842). */
export const DICTIONARY_ENCODING = 'dcz';

/** Longest dictionary, bytes: the cloudlet holds it in memory while what was made with it comes. */
export const MAX_DICTIONARY_BYTES = 16 * 1024 * 1024;

/** How a body in this coding begins: a frame that zstd passes over, with the digest of the dictionary. */
const MAGIC = [0x5e, 0x2a, 0x4d, 0x18, 0x20, 0x00, 0x00, 0x00] as const;

/** Length of what stands before the compressed bytes. */
export const DICTIONARY_HEAD_BYTES = MAGIC.length + 32;

/** What stands before bytes that were compressed with a dictionary. */
export function dictionaryHead(digest: Digest): Uint8Array {
  const head = new Uint8Array(DICTIONARY_HEAD_BYTES);
  head.set(MAGIC);
  const hex = hexOf(digest);
  for (let at = 0; at < 32; at += 1) head[MAGIC.length + at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16);
  return head;
}

/** The dictionary that a body names; null for bytes that do not begin so. */
export function parseDictionaryHead(bytes: Uint8Array): Digest | null {
  if (bytes.length < DICTIONARY_HEAD_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) return null;
  const digest = bytes.subarray(MAGIC.length, DICTIONARY_HEAD_BYTES);
  return digestOfHex(Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''));
}

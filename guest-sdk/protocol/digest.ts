import { CloudletError } from './errors.ts';

declare const digestBrand: unique symbol;

/** A content address: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [digestBrand]: true };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Reads a digest that came from outside. */
export function parseDigest(text: string): Digest {
  if (!DIGEST.test(text)) {
    throw new CloudletError(
      'request-invalid',
      `expected sha256:<64 hex digits>, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return text as Digest;
}

/** The digest whose 32 raw bytes are given in lower-case hexadecimal. */
export function digestOfHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}

/** The hexadecimal part of a digest; safe as a file name. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The digest of bytes that are in memory. */
export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  return digestOfBytes(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}

/** The digest whose 32 raw bytes are given. */
export function digestOfBytes(raw: Uint8Array): Digest {
  return digestOfHex(Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join(''));
}

/** The 32 raw bytes of a digest. */
export function bytesOfDigest(digest: Digest): Uint8Array {
  const hex = hexOf(digest);
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

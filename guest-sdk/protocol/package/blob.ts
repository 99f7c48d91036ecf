import { type Digest, digestOf } from '../digest.ts';
import type { Descriptor } from './manifest.ts';

/** Bytes with their digest. */
export interface KnownBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** The blob of bytes. */
export async function blobOf(bytes: Uint8Array): Promise<KnownBlob> {
  return { digest: await digestOf(bytes), bytes };
}

/** The blob of a JSON document. */
export function jsonBlob(value: unknown): Promise<KnownBlob> {
  return blobOf(jsonBytes(value));
}

/** A JSON document in UTF-8, with nothing between tokens. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A blob as an index or a manifest names it. */
export function descriptorOf(mediaType: string, { digest, bytes }: KnownBlob): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

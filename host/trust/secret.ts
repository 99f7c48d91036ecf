import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new unguessable secret: 32 random bytes as base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The digest under which a secret is kept and compared, so that neither memory nor timing tells how much of a guess was right. */
export function secretDigest(secret: string): Buffer {
  // At once: an object that hashes costs twice the hash, and each request shows a secret.
  return hash('sha256', secret, 'buffer');
}

/** Whether a text is this secret, whose length anybody may know; timing tells nothing else. Each request shows one: to compare costs a tenth of a hash. */
export function isSecret(text: string, secret: Buffer): boolean {
  const bytes = Buffer.from(text);
  return bytes.length === secret.length && timingSafeEqual(bytes, secret);
}

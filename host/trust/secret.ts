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

/** Whether two secret digests are the same, in constant time. */
export function sameSecret(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}

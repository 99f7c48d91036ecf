import * as v from 'valibot';
import { CloudletError } from '../errors.ts';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { canonicalBytes } from './canonical-json.ts';
import { Sha256 } from './sha256.ts';

const Coordinate = v.pipe(
  v.string(),
  v.check((text) => decodeBase64Url(text)?.length === 32, '32 bytes in base64url'),
);

/** A publisher's public key (RFC 7517): Ed25519, or P-256. Members that a key has beside it are dropped; a private one is refused. */
export const PublisherKey = v.variant('kty', [
  v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: Coordinate }),
  v.object({ kty: v.literal('EC'), crv: v.literal('P-256'), x: Coordinate, y: Coordinate }),
]);
export type PublisherKey = v.InferOutput<typeof PublisherKey>;

/** What a key is known by: 43 characters, its thumbprint (RFC 7638). */
export const Fingerprint = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'the 43 characters of a fingerprint'));

/** Points of Ed25519 with which anybody could sign, by their bytes without the sign of x. */
const WEAK: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Reads a public key that came from outside; `signature-invalid` says what it is not. */
export function parsePublisherKey(value: unknown): PublisherKey {
  if (
    typeof value === 'object' &&
    value !== null &&
    ['d', 'k', 'p', 'q'].some((member) => Object.hasOwn(value, member))
  )
    throw invalid('a public key, got a private one; make a new pair, this one is known now');
  const parsed = v.safeParse(PublisherKey, value);
  if (!parsed.success) throw invalid('a public key of Ed25519 or P-256 as JWK, got another');
  const key = parsed.output;
  if (key.kty === 'OKP') {
    const point = decodeBase64Url(key.x)!;
    point[31]! &= 0x7f;
    if (WEAK.has(Array.from(point, (byte) => byte.toString(16).padStart(2, '0')).join('')))
      throw invalid('a key that only its owner can sign with, got one of small order');
  }
  return key;
}

/** The public key of a private one (JWK); `signature-invalid` when it is none. */
export function publicPartOf({ kty, crv, x, y }: JsonWebKey): PublisherKey {
  return parsePublisherKey({ kty, crv, x, ...(y === undefined ? {} : { y }) });
}

/** The fingerprint of a key. */
export function fingerprintOf(key: PublisherKey): string {
  return encodeBase64Url(new Sha256().update(canonicalBytes(key)).digest());
}

function invalid(expected: string): CloudletError {
  return new CloudletError('signature-invalid', `expected ${expected}`);
}

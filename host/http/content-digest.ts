import { CloudletError, type Digest, digestOfHex } from '../../guest-sdk/protocol/index.ts';

/** The SHA-256 that a `Content-Digest` header (RFC 9530) says its body has; undefined without one. */
export function contentDigest(header: string | undefined): Digest | undefined {
  if (header === undefined) return undefined;
  const base64 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header)?.[1];
  if (base64 !== undefined) return digestOfHex(Buffer.from(base64, 'base64').toString('hex'));
  throw new CloudletError(
    'request-invalid',
    `expected Content-Digest with sha-256=:<base64>:, got ${JSON.stringify(header.slice(0, 200))}`,
  );
}

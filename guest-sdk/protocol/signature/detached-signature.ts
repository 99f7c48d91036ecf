import * as v from 'valibot';
import { CloudletError } from '../errors.ts';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { canonicalJson } from './canonical-json.ts';
import { fingerprintOf, type PublisherKey, parsePublisherKey, publicPartOf } from './publisher-key.ts';

/** What a signature is called in its own header, by what it is of: none that was made for something else passes for one. */
const SIGNATURE_TYPES = {
  entry: 'cloudlet-entry+jws',
  package: 'cloudlet-package+jws',
  overlay: 'cloudlet-overlay+jws',
  recipe: 'cloudlet-recipe+jws',
} as const;

/** What is signed: a store entry's manifest, a package's, an overlay's, or a recipe. */
export type SignatureType = keyof typeof SIGNATURE_TYPES;

/** Longest signature, characters: a header with a key, and 64 bytes. */
export const MAX_SIGNATURE_CHARS = 4096;

/** The protected header. Every member must be known: one that we did not understand could change what the signature means. */
const Header = v.strictObject({
  alg: v.picklist(['EdDSA', 'ES256']),
  typ: v.string(),
  jwk: v.unknown(),
  kid: v.optional(v.string()),
  b64: v.optional(v.boolean()),
  crit: v.optional(v.pipe(v.array(v.literal('b64')), v.length(1))),
});

/** The algorithm that a key signs with: the key says, never the header alone. */
const ALGORITHMS = {
  OKP: { alg: 'EdDSA', import: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
  EC: { alg: 'ES256', import: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
} as const;

/** Who signed. */
export interface Signer {
  readonly key: PublisherKey;
  readonly fingerprint: string;
}

/**
 * Checks a detached JWS (RFC 7515, appendix F; RFC 7797 with `b64` false) over a payload. The key travels in the header, so this says
 * who signed, and whether that is somebody to trust is for whoever asks. `signature-invalid` says what does not fit.
 */
export async function verifyDetached(signature: string, payload: Uint8Array, type: SignatureType): Promise<Signer> {
  if (signature.length > MAX_SIGNATURE_CHARS)
    throw invalid(`a signature of at most ${MAX_SIGNATURE_CHARS} characters, got ${signature.length}`);
  const [head = '', middle, tail = '', ...more] = signature.split('.');
  if (middle !== '' || more.length > 0) throw invalid('a detached JWS, header..signature, got another text');
  const header = parseHeader(head);
  if (header.typ !== SIGNATURE_TYPES[type])
    throw invalid(
      `typ in the header to be "${SIGNATURE_TYPES[type]}", got ${JSON.stringify(header.typ.slice(0, 100))}`,
    );
  const key = parsePublisherKey(header.jwk);
  const algorithm = ALGORITHMS[key.kty];
  if (header.alg !== algorithm.alg) throw invalid(`"alg" ${algorithm.alg} for a key of ${key.crv}, got ${header.alg}`);
  const fingerprint = fingerprintOf(key);
  if (header.kid !== undefined && header.kid !== fingerprint)
    throw invalid(`"kid" to be the fingerprint of the key, ${fingerprint}, got another`);
  const bytes = decodeBase64Url(tail);
  if (bytes?.length !== 64) throw invalid('a signature of 64 bytes in base64url, got another');
  const imported = await subtle()
    .importKey('jwk', { ...key, ext: true }, algorithm.import, false, ['verify'])
    .catch((error: unknown) => {
      throw invalid(`a point of ${key.crv} as key, got none`, error);
    });
  const input = signingInput(head, payload, header.b64 ?? true);
  if (await subtle().verify(algorithm.sign, imported, bytes, input)) return { key, fingerprint };
  throw invalid(`a signature of exactly this ${type} by ${fingerprint}, got one of other bytes or by another key`);
}

/** Signs a payload with a private key (JWK), detached and with `b64` false. `signature-invalid` when the key is none. */
export async function signDetached(payload: Uint8Array, privateKey: JsonWebKey, type: SignatureType): Promise<string> {
  const { d } = privateKey;
  const key = publicPartOf(privateKey);
  if (d === undefined) throw invalid('a private key, got a public one');
  const algorithm = ALGORITHMS[key.kty];
  const header = {
    alg: algorithm.alg,
    typ: SIGNATURE_TYPES[type],
    jwk: key,
    kid: fingerprintOf(key),
    b64: false,
    crit: ['b64'],
  };
  const head = encodeBase64Url(new TextEncoder().encode(canonicalJson(header)));
  const imported = await subtle()
    .importKey('jwk', { ...key, d, ext: true }, algorithm.import, false, ['sign'])
    .catch((error: unknown) => {
      throw invalid(`a private key of ${key.crv}, got one that is not`, error);
    });
  const bytes = await subtle().sign(algorithm.sign, imported, signingInput(head, payload, false));
  return `${head}..${encodeBase64Url(new Uint8Array(bytes))}`;
}

/** A new private key of Ed25519 as JWK, with nothing in it but the key. */
export async function newPublisherKey(): Promise<JsonWebKey> {
  const pair = (await subtle().generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x, d } = await subtle().exportKey('jwk', pair.privateKey);
  return { kty: kty!, crv: crv!, x: x!, d: d! };
}

function parseHeader(text: string): v.InferOutput<typeof Header> {
  const bytes = decodeBase64Url(text);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? Uint8Array.of(0xff)));
  } catch (error) {
    throw invalid('a header of JSON in base64url, got another text', error);
  }
  const parsed = v.safeParse(Header, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const where = v.getDotPath(issue) ?? 'the header';
    throw invalid(`${where} in the header to be ${issue.expected}, got ${issue.received.slice(0, 100)}`);
  }
  const { b64, crit } = parsed.output;
  // RFC 7797, 6: who does not know `b64` must not take the signature for one of other bytes.
  if ((b64 === undefined) !== (crit === undefined)) throw invalid('"b64" and "crit" together or not at all, got one');
  return parsed.output;
}

function signingInput(head: string, payload: Uint8Array, encoded: boolean): Uint8Array<ArrayBuffer> {
  const start = new TextEncoder().encode(`${head}.`);
  const rest = encoded ? new TextEncoder().encode(encodeBase64Url(payload)) : payload;
  const input = new Uint8Array(start.length + rest.length);
  input.set(start);
  input.set(rest, start.length);
  return input;
}

/** Pages have it on `https:` and `localhost` only. */
function subtle(): SubtleCrypto {
  const { subtle } = globalThis.crypto as { readonly subtle?: SubtleCrypto };
  if (subtle !== undefined) return subtle;
  throw invalid('WebCrypto to check signatures with, which pages have on https and localhost only; got none');
}

function invalid(expected: string, cause?: unknown): CloudletError {
  return new CloudletError('signature-invalid', `expected ${expected}`, { cause });
}

import {
  type CloudletError,
  type Digest,
  type FunctionName,
  parseDigest,
  parseName,
} from '../../guest-sdk/protocol/index.ts';
import { RegistryRefusal } from './refusal.ts';

/** What a manifest is asked for by. */
export type Reference =
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'latest' }
  | { readonly kind: 'tag'; readonly tag: string };

/** A digest as the specification of images writes it, of an algorithm that is registered there. */
const OTHER_ALGORITHM = /^(sha512:[0-9a-f]{128}|blake3:[0-9a-f]{64})$/;

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Reads the name of a repository, which is that of a function: `name-invalid` for others, such as those with slashes. */
export function parseRepository(text: string): FunctionName {
  try {
    return parseName(text);
  } catch (error) {
    throw new RegistryRefusal('NAME_INVALID', 'request-invalid', (error as CloudletError).message);
  }
}

/** Reads a digest; other algorithms than SHA-256 are refused. */
export function parseRegistryDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    throw new RegistryRefusal('DIGEST_INVALID', 'request-invalid', (error as CloudletError).message);
  }
}

/** Reads the digest of what is asked for: one of another algorithm is one that nothing here has. */
export function parseWantedDigest(text: string, unknown: 'BLOB_UNKNOWN' | 'MANIFEST_UNKNOWN'): Digest {
  if (!OTHER_ALGORITHM.test(text)) return parseRegistryDigest(text);
  throw new RegistryRefusal(unknown, 'not-found', `expected a digest "sha256:…", got ${text.slice(0, 100)}`);
}

/** Reads a tag or a digest. Numbers are versions. */
export function parseReference(text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseRegistryDigest(text) };
  if (!TAG.test(text))
    throw new RegistryRefusal(
      'MANIFEST_INVALID',
      'request-invalid',
      `expected a tag of letters, digits, ".", "_" and "-", got ${JSON.stringify(text.slice(0, 140))}`,
    );
  if (text === 'latest') return { kind: 'latest' };
  return /^[1-9]\d{0,8}$/.test(text) ? { kind: 'version', version: Number(text) } : { kind: 'tag', tag: text };
}

/** The same of what is asked for: a digest of another algorithm is one that nothing here has. */
export function parseWantedReference(text: string): Reference {
  return text.includes(':')
    ? { kind: 'digest', digest: parseWantedDigest(text, 'MANIFEST_UNKNOWN') }
    : parseReference(text);
}

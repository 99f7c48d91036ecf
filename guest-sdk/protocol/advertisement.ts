/**
 * What a cloudlet says over multicast DNS, as the strings of a TXT record (RFC 6763 section 6).
 * Nothing volatile is in it: load, functions and the like are asked for at `/v1/status`.
 */
import { CloudletError } from './errors.ts';

/** DNS-SD service type of a cloudlet. */
export const SERVICE_TYPE = '_cloudlet._tcp';

/** Longest label of DNS, and so the longest name of a service instance, in bytes of UTF-8. */
export const MAX_LABEL_BYTES = 63;

/** Longest single string of a TXT record, bytes. */
const MAX_STRING_BYTES = 255;

/** Bytes of a TXT record that are read: RFC 6763 calls 1300 the most that fits a packet. Strangers choose the size. */
const MAX_RECORD_BYTES = 1300;

/** The facts of an advertisement. */
export interface AdvertisedFacts {
  /** `cl-<hex of the key>`; with `.local` behind it the host's name on the network. */
  readonly id: string;
  /** Version of the program. */
  readonly version: string;
  /** Where the API begins. */
  readonly path: string;
  /** Base64url of the SHA-256 of the cloudlet's public key (SubjectPublicKeyInfo, DER); null when it tells none. */
  readonly publicKey: string | null;
  readonly tls: boolean;
  /** What it takes to be let in. */
  readonly auth: string;
}

const ID = /^cl-[0-9a-f]{4,64}$/;
const PATH = /^(?:\/|(?:\/[\w.-]+)+)$/;
const PUBLIC_KEY = /^[A-Za-z0-9_-]{16,64}$/;
const WORD = /^[\w.+-]{1,64}$/;

/** The strings of a cloudlet's TXT record, in order; `txtvers` comes first as RFC 6763 asks. */
export function advertisementText(facts: AdvertisedFacts): string[] {
  const pairs = [
    'txtvers=1',
    `id=${facts.id}`,
    `v=${facts.version}`,
    `path=${facts.path}`,
    `pk=${facts.publicKey ?? ''}`,
    `tls=${facts.tls ? 1 : 0}`,
    `auth=${facts.auth}`,
    // Finders of the pycloud and KD-Cloudlet lineage read this key of `_cloudlet._tcp` and fail without it.
    'encryption=disabled',
  ];
  for (const pair of pairs) {
    if (byteLength(pair) > MAX_STRING_BYTES) {
      throw new CloudletError(
        'request-invalid',
        `expected at most ${MAX_STRING_BYTES} bytes in one string of a TXT record, got ${JSON.stringify(pair.slice(0, 40))}…`,
      );
    }
  }
  // What we say must be what we would believe, or no device finds us.
  parseAdvertisement(pairs.map((pair) => new TextEncoder().encode(pair)));
  return pairs;
}

/**
 * Reads the strings of a TXT record that came from the network; unknown keys are left alone, later versions may add some.
 * @throws CloudletError `request-invalid` naming the key whose value is missing or is not what it must be.
 */
export function parseAdvertisement(strings: readonly Uint8Array[]): AdvertisedFacts {
  const values = readPairs(strings);
  if (values.get('txtvers') !== '1') {
    throw unexpected('txtvers', '"1"', values.get('txtvers'));
  }
  const publicKey = values.get('pk') ?? '';
  if (publicKey !== '' && !PUBLIC_KEY.test(publicKey)) throw unexpected('pk', 'base64url or nothing', publicKey);
  return {
    id: checked(values, 'id', ID, '"cl-" and hexadecimal digits'),
    version: checked(values, 'v', WORD, 'a version'),
    path: checked(values, 'path', PATH, 'a path'),
    publicKey: publicKey === '' ? null : publicKey,
    tls: checked(values, 'tls', /^[01]$/, '0 or 1') === '1',
    auth: checked(values, 'auth', WORD, 'a word'),
  };
}

/** A name as a DNS-SD instance label: cut to 63 bytes of UTF-8 at a whole character, without control characters, and without dots, because DNS libraries disagree on escaping them. */
export function instanceLabel(name: string): string {
  let label = '';
  let bytes = 0;
  for (const character of name.replace(/[\p{Cc}.]+/gu, ' ').trim()) {
    bytes += byteLength(character);
    if (bytes > MAX_LABEL_BYTES) break;
    label += character;
  }
  return label.trim();
}

/** `key=value` strings as a map; keys have no case, and only the first of a repeated key counts (RFC 6763 section 6.4). */
function readPairs(strings: readonly Uint8Array[]): Map<string, string> {
  const values = new Map<string, string>();
  let bytes = 0;
  for (const string of strings) {
    bytes += string.length + 1;
    if (bytes > MAX_RECORD_BYTES) {
      throw new CloudletError(
        'request-invalid',
        `expected a TXT record of at most ${MAX_RECORD_BYTES} bytes, got more`,
      );
    }
    const text = new TextDecoder().decode(string);
    const at = text.indexOf('=');
    if (at < 1) continue;
    const key = text.slice(0, at).toLowerCase();
    if (!values.has(key)) values.set(key, text.slice(at + 1));
  }
  return values;
}

function checked(values: ReadonlyMap<string, string>, key: string, pattern: RegExp, expected: string): string {
  const value = values.get(key);
  if (value === undefined || !pattern.test(value)) throw unexpected(key, expected, value);
  return value;
}

function unexpected(key: string, expected: string, got: string | undefined): CloudletError {
  const what = got === undefined ? 'nothing' : JSON.stringify(got.slice(0, 80));
  return new CloudletError('request-invalid', `expected ${key}= in the advertisement to be ${expected}, got ${what}`);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

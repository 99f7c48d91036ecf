import { CloudletError } from '../errors.ts';

/** Deepest nesting; what is signed is a document of a few levels. */
const MAX_DEPTH = 16;

/**
 * The one text of plain data, by the rules of RFC 8785: keys sorted by UTF-16 units, nothing between tokens. `request-invalid` for what
 * has no such text or could be read in two ways: numbers that are no safe integers, halves of surrogate pairs, values that JSON has not.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw refused(`at most ${MAX_DEPTH} levels`, 'more');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw refused('whole characters', 'half a surrogate pair');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw refused('integers up to 2^53', String(value));
    return String(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each, depth + 1)).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${canonicalJson(key, depth)}:${canonicalJson(member, depth + 1)}`);
    return `{${members.join(',')}}`;
  }
  throw refused('JSON', typeof value);
}

/** The bytes that are signed, and hashed, of plain data. */
export function canonicalBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}

function refused(expected: string, got: string): CloudletError {
  return new CloudletError('request-invalid', `expected plain data with ${expected}, got ${got}`);
}

import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** A part of a body. */
export interface ByteRange {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/**
 * The part that a `Range` header (RFC 9110, 14.2) asks for of so many bytes; null for the whole, which is also the answer to what is no
 * range of bytes, and to several at once. `range-unsatisfiable` when it begins behind the end.
 */
export function parseByteRange(header: string | undefined, bytes: number): ByteRange | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (match === null) return null;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === '') {
    if (last === '') return null;
    const length = Math.min(bytes, Number(last));
    if (length === 0) throw unsatisfiable(header!, bytes);
    return { start: bytes - length, end: bytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= bytes) throw unsatisfiable(header!, bytes);
  return { start, end: last === '' ? bytes : Math.min(bytes, Number(last) + 1) };
}

/** A range of which nothing exists; the answer says how long the file is. */
export class RangeUnsatisfiable extends CloudletError {
  readonly bytes: number;

  constructor(message: string, bytes: number) {
    super('range-unsatisfiable', message);
    this.bytes = bytes;
  }
}

function unsatisfiable(header: string, bytes: number): RangeUnsatisfiable {
  return new RangeUnsatisfiable(
    `expected a range of ${bytes} bytes, got ${JSON.stringify(header.slice(0, 60))}`,
    bytes,
  );
}

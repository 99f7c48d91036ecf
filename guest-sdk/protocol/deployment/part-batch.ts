import { type Digest, digestOfHex, hexOf } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { MAX_PART_BYTES } from './part.ts';

/** Media type of several parts in one body, each behind a head of its own. */
export const PART_BATCH_TYPE = 'application/vnd.cloudlet.parts';

/** Bytes of parts, with their heads, that one body may hold: what a device has to send anew when it can send no streams. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** A head: the length, big-endian, and the SHA-256 of the part that follows. */
const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + 32;

/** One part of a batch. */
export interface BatchPart {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** The head that a part of so many bytes has in a batch. */
export function batchHead(digest: Digest, length: number): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  new DataView(head.buffer).setUint32(0, length);
  const hex = hexOf(digest);
  for (let at = 0; at < 32; at += 1) head[LENGTH_BYTES + at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16);
  return head;
}

/**
 * The parts of a batch as they come; each is told as soon as it is whole, so that what broke off behind it costs nothing. `request-invalid`
 * for a part of no or too many bytes, `body-truncated` when the batch ends within one. Memory: one part.
 */
export async function* readBatch(body: AsyncIterable<Uint8Array>): AsyncGenerator<BatchPart> {
  let head = new Uint8Array(HEAD_BYTES);
  let headed = 0;
  let part: { readonly digest: Digest; readonly bytes: Uint8Array; filled: number } | null = null;
  for await (const piece of body) {
    let rest = piece;
    while (rest.length > 0) {
      if (part === null) {
        const taken = rest.subarray(0, HEAD_BYTES - headed);
        head.set(taken, headed);
        headed += taken.length;
        rest = rest.subarray(taken.length);
        if (headed < HEAD_BYTES) break;
        part = { ...parseHead(head), filled: 0 };
        head = new Uint8Array(HEAD_BYTES);
        headed = 0;
      }
      const taken = rest.subarray(0, part.bytes.length - part.filled);
      part.bytes.set(taken, part.filled);
      part.filled += taken.length;
      rest = rest.subarray(taken.length);
      if (part.filled < part.bytes.length) break;
      yield { digest: part.digest, bytes: part.bytes };
      part = null;
    }
  }
  if (headed > 0 || part !== null)
    throw new CloudletError('body-truncated', 'expected a batch of whole parts, got one that ends within a part');
}

function parseHead(head: Uint8Array): { readonly digest: Digest; readonly bytes: Uint8Array } {
  const length = new DataView(head.buffer).getUint32(0);
  if (length === 0 || length > MAX_PART_BYTES)
    throw new CloudletError(
      'request-invalid',
      `expected parts of 1 to ${MAX_PART_BYTES} bytes in the batch, got one of ${length}`,
    );
  const hex = Array.from(head.subarray(LENGTH_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { digest: digestOfHex(hex), bytes: new Uint8Array(length) };
}

import { fail } from './error-code.ts';
import type { FileNode } from './node.ts';
import type { Quota } from './quota.ts';

const EMPTY = new Uint8Array(0);

/** A file that grows gets room for later writes, at most this much, so that many small writes cost no copy each. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;

/** Waits for all bytes of a file that may come later than its guest. */
export function settle(file: FileNode): void {
  if (file.arrive === null) return;
  file.arrive(0, file.size);
  file.arrive = null;
}

/** A view of at most `length` bytes at `offset`; empty at and behind the end. */
export function readContent(file: FileNode, offset: bigint, length: number): Uint8Array {
  if (offset >= BigInt(file.size)) return EMPTY;
  const start = Number(offset);
  const end = Math.min(file.size, start + length);
  file.arrive?.(start, end);
  return file.bytes.subarray(start, end);
}

/** Writes all bytes at `offset`; a gap before it reads as zeroes and counts. Throws `insufficient-space` and writes nothing when the quota is short. */
export function writeContent(file: FileNode, offset: bigint, bytes: Uint8Array, quota: Quota): void {
  if (bytes.length === 0) return;
  const end = offset + BigInt(bytes.length);
  if (end > BigInt(file.size)) grow(file, end, quota);
  file.bytes.set(bytes, Number(offset));
}

/** Cuts or extends with zeroes. Throws `insufficient-space` before anything is allocated. */
export function resizeContent(file: FileNode, size: bigint, quota: Quota): void {
  if (size > BigInt(file.size)) {
    grow(file, size, quota);
    return;
  }
  const kept = Number(size);
  quota.give(file.size - kept);
  // A copy lets go of memory that the file no longer counts for; a small cut is cheaper wiped.
  if (kept * 2 < file.bytes.length) file.bytes = file.bytes.slice(0, kept);
  else file.bytes.fill(0, kept, file.size);
  file.size = kept;
}

function grow(file: FileNode, size: bigint, quota: Quota): void {
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) fail('file-too-large');
  const end = Number(size);
  quota.take(end - file.size);
  if (end > file.bytes.length) {
    const spare = Math.min(file.bytes.length, MAX_SPARE_BYTES, quota.left);
    const roomy = new Uint8Array(end + spare);
    roomy.set(file.bytes.subarray(0, file.size));
    file.bytes = roomy;
  }
  file.size = end;
}

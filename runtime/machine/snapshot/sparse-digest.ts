import { hash as hashOnce } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type DataPlace, dataPlaces } from './data-places.ts';

/** Bytes that are read at once, and hashed unless something else is said: less than a millisecond of a thread. */
export const DIGEST_BLOCK_BYTES = 512 * 1024;

/** What a file holds, block by block: null for one of zeros. */
export interface BlockDigests {
  readonly bytes: number;
  /** Length of each block but the last. */
  readonly blockBytes: number;
  readonly blocks: readonly (Uint8Array | null)[];
}

/** A file that was another, of the same length, but for some of its blocks. */
export interface ChangedFrom {
  readonly before: BlockDigests;
  /** Numbers of the blocks that may differ. */
  readonly changed: ReadonlySet<number>;
}

/** How a file is digested. */
export interface DigestOptions {
  /** Length of a block, a power of two of at most `DIGEST_BLOCK_BYTES`, which it is when it is left out; another length is another digest. */
  readonly blockBytes?: number;
  /** What it was: only blocks that may differ are read. */
  readonly from?: ChangedFrom | undefined;
}

/**
 * A digest of a file, in hexadecimal: SHA-256 over the SHA-256 of each block, where a block of zeros counts as nothing, and
 * its length. The memory of a machine is mostly holes, and comparing zeros is ten times faster than hashing them.
 */
export async function sparseDigest(path: string, signal?: AbortSignal, options: DigestOptions = {}): Promise<string> {
  const { bytes, blockBytes, blocks } = await blockDigests(path, signal, options);
  // At once: of the memory of a machine there are thousands, and each call costs more than its bytes.
  const entries = Buffer.allocUnsafe((blocks.length + 1) * MOST_ENTRY_BYTES);
  let filled = 0;
  for (const [index, block] of blocks.entries()) {
    if ((index + 1) % KNOWN_AT_ONCE === 0) await turn();
    if (block === null) continue;
    filled += entries.write(`${index * blockBytes}:`, filled, 'latin1');
    entries.set(block, filled);
    filled += block.length;
  }
  filled += entries.write(`end:${bytes}`, filled, 'latin1');
  return hashOnce('sha256', entries.subarray(0, filled), 'hex');
}

/** A place in a file in decimal, a sign, and a digest. */
const MOST_ENTRY_BYTES = 20 + 32;

/** Blocks that are known already, after which others have their turn: those of a memory are tens of thousands. */
const KNOWN_AT_ONCE = 4096;

const ZEROS = Buffer.alloc(DIGEST_BLOCK_BYTES);

/** The digest of a block, at most `DIGEST_BLOCK_BYTES` long; null for zeros. */
export function blockDigest(bytes: Buffer): Uint8Array | null {
  return bytes.equals(ZEROS.subarray(0, bytes.length)) ? null : hashOnce('sha256', bytes, 'buffer');
}

/** The digests of a file's blocks; of one that was another, only those that may differ are read. */
export async function blockDigests(
  path: string,
  signal?: AbortSignal,
  { blockBytes = DIGEST_BLOCK_BYTES, from }: DigestOptions = {},
): Promise<BlockDigests> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // The state of devices is some KiB, and is looked at before each start.
    const piece = Buffer.alloc(Math.max(1, Math.min(size, DIGEST_BLOCK_BYTES)));
    const isOfIt = from !== undefined && from.before.bytes === size && from.before.blockBytes === blockBytes;
    const known = isOfIt ? from : null;
    // To ask is dearer than to read what is small, or little of a file.
    const isAsked = known === null && size > 16 * DIGEST_BLOCK_BYTES;
    const isHole = holesBetween(isAsked ? await dataPlaces(file, size) : null);
    const blocks: (Uint8Array | null)[] = [];
    let length = 0;
    for (;;) {
      signal?.throwIfAborted();
      const before =
        known === null || known.changed.has(blocks.length) ? undefined : known.before.blocks[blocks.length];
      if (before !== undefined) {
        blocks.push(before);
        length = Math.min(size, length + blockBytes);
        if (blocks.length % KNOWN_AT_ONCE === 0) await turn();
        continue;
      }
      // Many blocks at once, unless those behind this one need not be read.
      const most = known === null ? piece.length : Math.min(piece.length, blockBytes);
      const end = Math.min(size, length + most);
      if (isHole(length, end)) {
        for (; length < end; length = Math.min(end, length + blockBytes)) blocks.push(null);
        if (blocks.length % KNOWN_AT_ONCE < most / blockBytes) await turn();
        continue;
      }
      const { bytesRead } = await file.read(piece, 0, most, length);
      if (bytesRead === 0) break;
      for (let at = 0; at < bytesRead; at += blockBytes)
        blocks.push(blockDigest(piece.subarray(at, Math.min(bytesRead, at + blockBytes))));
      length += bytesRead;
    }
    return { bytes: length, blockBytes, blocks };
  } finally {
    await file.close();
  }
}

/** Says whether there is no data between two places; asked from the begin of a file to its end. Pure. */
function holesBetween(places: readonly DataPlace[] | null): (begin: number, end: number) => boolean {
  if (places === null) return () => false;
  let next = 0;
  return (begin, end) => {
    while (next < places.length && places[next]![1] <= begin) next += 1;
    return begin < end && (next === places.length || places[next]![0] >= end);
  };
}

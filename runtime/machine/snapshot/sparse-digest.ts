import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes that are read and hashed at once: less than a millisecond of a thread. */
export const DIGEST_BLOCK_BYTES = 512 * 1024;

/** What a file holds, block by block: null for one of zeros. */
export interface BlockDigests {
  readonly bytes: number;
  readonly blocks: readonly (Uint8Array | null)[];
}

/** A file that was another, of the same length, but for some of its blocks. */
export interface ChangedFrom {
  readonly before: BlockDigests;
  /** Numbers of the blocks that may differ. */
  readonly changed: ReadonlySet<number>;
}

/**
 * A digest of a file, in hexadecimal: SHA-256 over the SHA-256 of each block of 512 KiB, where a block of zeros counts as nothing, and
 * its length. The memory of a machine is mostly holes, and comparing zeros is ten times faster than hashing them.
 */
export async function sparseDigest(path: string, signal?: AbortSignal, from?: ChangedFrom): Promise<string> {
  const { bytes, blocks } = await blockDigests(path, signal, from);
  const whole = createHash('sha256');
  for (const [index, block] of blocks.entries())
    if (block !== null) whole.update(`${index * DIGEST_BLOCK_BYTES}:`).update(block);
  return whole.update(`end:${bytes}`).digest('hex');
}

const ZEROS = Buffer.alloc(DIGEST_BLOCK_BYTES);

/** The digest of a block, at most `DIGEST_BLOCK_BYTES` long; null for zeros. */
export function blockDigest(bytes: Buffer): Uint8Array | null {
  return bytes.equals(ZEROS.subarray(0, bytes.length)) ? null : createHash('sha256').update(bytes).digest();
}

/** The digests of a file's blocks; of one that was another, only those that may differ are read. */
export async function blockDigests(path: string, signal?: AbortSignal, from?: ChangedFrom): Promise<BlockDigests> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // The state of devices is some KiB, and is looked at before each start.
    const most = Math.max(1, Math.min(size, DIGEST_BLOCK_BYTES));
    const block = Buffer.alloc(most);
    const known = from !== undefined && from.before.bytes === size ? from : null;
    const blocks: (Uint8Array | null)[] = [];
    let length = 0;
    for (;;) {
      signal?.throwIfAborted();
      const index = blocks.length;
      const before = known === null || known.changed.has(index) ? undefined : known.before.blocks[index];
      if (before !== undefined) {
        blocks.push(before);
        length = Math.min(size, length + DIGEST_BLOCK_BYTES);
        continue;
      }
      const { bytesRead } = await file.read(block, 0, most, length);
      if (bytesRead === 0) break;
      const bytes = block.subarray(0, bytesRead);
      blocks.push(blockDigest(bytes));
      length += bytesRead;
    }
    return { bytes: length, blocks };
  } finally {
    await file.close();
  }
}

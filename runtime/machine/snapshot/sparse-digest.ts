import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes that are read and hashed at once: less than a millisecond of a thread. */
const BLOCK_BYTES = 512 * 1024;

/**
 * A digest of a file, in hexadecimal: SHA-256 over the SHA-256 of each block of 512 KiB, where a block of zeros counts as nothing, and
 * its length. The memory of a machine is mostly holes, and comparing zeros is ten times faster than hashing them.
 */
export async function sparseDigest(path: string, signal?: AbortSignal): Promise<string> {
  const whole = createHash('sha256');
  const block = Buffer.alloc(BLOCK_BYTES);
  const zeros = Buffer.alloc(BLOCK_BYTES);
  const file = await open(path, 'r');
  try {
    let length = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, length);
      if (bytesRead === 0) break;
      const bytes = block.subarray(0, bytesRead);
      if (!bytes.equals(zeros.subarray(0, bytesRead))) {
        whole.update(`${length}:`).update(createHash('sha256').update(bytes).digest());
      }
      length += bytesRead;
    }
    return whole.update(`end:${length}`).digest('hex');
  } finally {
    await file.close();
  }
}

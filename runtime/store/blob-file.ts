import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CloudletError, type Digest, digestOfHex } from '../../guest-sdk/protocol/index.ts';
import { isMissing } from './storage-error.ts';

const READ_BYTES = 256 * 1024;

/** The bytes of a blob's file, as they are; `not-found` when there is none. The file is opened when reading starts. */
export async function* fileBytes(path: string, digest: Digest): AsyncGenerator<Uint8Array> {
  const handle = await openBlob(path, digest);
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(READ_BYTES), 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** All bytes of a blob's file, read once, and the digest that they have; `not-found` when there is none. */
export async function wholeFile(
  path: string,
  digest: Digest,
): Promise<{ readonly bytes: Uint8Array; readonly found: Digest }> {
  const handle = await openBlob(path, digest);
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    const hash = createHash('sha256');
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(READ_BYTES, size - at), null);
      if (bytesRead === 0) break;
      hash.update(bytes.subarray(at, at + bytesRead));
      at += bytesRead;
    }
    return { bytes, found: digestOfHex(hash.digest('hex')) };
  } finally {
    await handle.close();
  }
}

async function openBlob(path: string, digest: Digest): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CloudletError('not-found', `expected a stored blob with digest ${digest}, found none`, { cause: error });
  }
}

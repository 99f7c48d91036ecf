import { randomUUID } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { fileStamp } from './file-stamp.ts';
import { snapshotFiles } from './snapshot-files.ts';
import { type SnapshotManifest, snapshotKey } from './snapshot-manifest.ts';
import { sparseDigest } from './sparse-digest.ts';

/**
 * What is wrong with a snapshot, as a clause; null when it is what it was. Its memory is read once in each boot of the computer, and again when
 * the file system says that it changed; the state of its devices each time.
 */
export async function verifySnapshot(
  directory: string,
  key: string,
  manifest: SnapshotManifest,
  bootId: string,
): Promise<string | null> {
  if (snapshotKey(manifest.conditions) !== key) return 'its manifest is that of another';
  const paths = snapshotFiles(directory);
  const { verified } = manifest;
  try {
    // Before the bytes are read: what changes meanwhile is seen the next time.
    const stamps = { memory: await fileStamp(paths.memory), state: await fileStamp(paths.state) };
    const isKnown = verified.bootId === bootId && verified.memory === stamps.memory && verified.state === stamps.state;
    // QEMU believes what it reads of devices, and no file system tells of a bit that its disk has lost: the state is read each time.
    for (const file of isKnown ? (['state'] as const) : (['state', 'memory'] as const)) {
      const expected = manifest.files[file];
      const { size } = await stat(paths[file]);
      if (size !== expected.bytes) return `its ${file} has ${size} bytes, expected ${expected.bytes}`;
      if ((await sparseDigest(paths[file])) !== expected.digest) return `its ${file} does not have its digest`;
    }
    if (isKnown) return null;
    await writeManifest(directory, { ...manifest, verified: { bootId, ...stamps } }).catch(() => {
      // Then its bytes are read the next time, too.
    });
    return null;
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  }
}

/** Writes a snapshot's manifest, whole or not at all; several processes may do so at once. */
export async function writeManifest(directory: string, manifest: SnapshotManifest): Promise<void> {
  const path = snapshotFiles(directory).manifest;
  const temporary = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(temporary, JSON.stringify(manifest, null, 2), { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

import { mkdir, open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { asStorageError } from '../../store/index.ts';
import { fileStamp } from './file-stamp.ts';
import { snapshotFiles } from './snapshot-files.ts';
import { type SnapshotConditions, snapshotManifest } from './snapshot-manifest.ts';
import { sparseDigest } from './sparse-digest.ts';
import { writeManifest } from './verify-snapshot.ts';

/**
 * Makes a directory with the empty files of a machine that is to be saved. `storage-full` when its memory might not fit on the disk: QEMU has
 * the file mapped, and is ended by the first page that there is no room for. Nothing is left when it fails.
 */
export async function makeDraft(directory: string, memoryMib: number): Promise<void> {
  const { memory, state } = snapshotFiles(directory);
  const bytes = memoryMib * 2 ** 20;
  const free = await freeBytes(dirname(directory));
  if (free < bytes) {
    const sentence = `a snapshot of a machine takes up to ${memoryMib} MiB, and ${Math.floor(free / 2 ** 20)} MiB are free in ${dirname(directory)}; free some space, or use --cache with a directory on another disk`;
    throw new CloudletError('storage-full', sentence);
  }
  try {
    await mkdir(directory, { mode: 0o700 });
    const file = await open(memory, 'wx', 0o600);
    try {
      await file.truncate(bytes);
    } finally {
      await file.close();
    }
    await writeFile(state, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw asStorageError(error);
  }
}

/** Bytes that are free on the disk of a directory. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Completes a draft into a snapshot that is not yet in its place; no process may write its files any more. */
export async function completeDraft(
  directory: string,
  conditions: SnapshotConditions,
  bootId: string,
  signal?: AbortSignal,
): Promise<void> {
  const paths = snapshotFiles(directory);
  const state = (await stat(paths.state)).size;
  if (state === 0) throw new CloudletError('machine-failed', 'expected the state of a machine, got an empty file');
  await writeOut(paths.memory);
  // Before the bytes are read: what changes meanwhile is seen when the snapshot is looked for.
  const verified = { bootId, memory: await fileStamp(paths.memory), state: await fileStamp(paths.state) };
  const files = {
    memory: { bytes: (await stat(paths.memory)).size, digest: await sparseDigest(paths.memory, signal) },
    state: { bytes: state, digest: await sparseDigest(paths.state, signal) },
  };
  try {
    await writeManifest(directory, snapshotManifest({ conditions, files, verified }));
  } catch (error) {
    throw asStorageError(error);
  }
}

/** Has the kernel write a file out: what a process wrote through its mapping may be a hole until then, on some file systems. */
async function writeOut(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } catch (error) {
    throw asStorageError(error);
  } finally {
    await file.close();
  }
}

/** Renames a directory; false when there is something under its new name. */
export async function renameUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

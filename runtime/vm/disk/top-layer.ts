import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmDisk } from '../machine/vm-options.ts';
import { emptyQcow2 } from './empty-qcow2.ts';

/**
 * Makes the file that a VM writes to: an empty qcow2 that ends where its growth has to, all of it a hole. QEMU writes nothing behind its end. Whoever
 * opens it closes it; unless the disk names a path the file has no name, and nothing is left of it however we end.
 */
export async function openTopLayer({ bytes, growthBytes, top, directory = tmpdir() }: VmDisk): Promise<FileHandle> {
  const empty = emptyQcow2({ bytes });
  const path = top ?? join(directory, `.cloudlet-${randomUUID()}`);
  const file = await open(path, top === undefined ? 'wx+' : 'r+', 0o600);
  try {
    if (top === undefined) await unlink(path);
    await file.truncate(0);
    await file.write(empty, 0, empty.length, 0);
    await file.truncate(Math.max(growthBytes, empty.length));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory, where there is such a file system: what passes here is read at once and never again. */
const IN_MEMORY = '/dev/shm';

/**
 * A file without a name, of `bytes` bytes of which none takes space yet: a machine's second disk, which its host reads and writes as well.
 * Whoever opens it closes it.
 */
export async function openBulkFile(bytes: number): Promise<FileHandle> {
  const directory = await access(IN_MEMORY, constants.W_OK).then(
    () => IN_MEMORY,
    () => tmpdir(),
  );
  const path = join(directory, `.cloudlet-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    await file.truncate(bytes);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

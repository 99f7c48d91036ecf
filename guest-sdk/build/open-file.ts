import { type FileHandle, open, stat } from 'node:fs/promises';

/** A file opened for reading; null for what is none, or cannot be read. A pipe is not opened: that would wait, and lose what is read of it. */
export async function openFile(path: string): Promise<FileHandle | null> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  return isFile ? open(path, 'r').catch(() => null) : null;
}

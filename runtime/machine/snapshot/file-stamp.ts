import { stat } from 'node:fs/promises';

/**
 * Which file it is, and a text that changes with every write to it: nobody but root can set the time of the last change. Renames do not
 * touch it on common file systems.
 */
export async function fileStamp(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { UsageError } from './usage-error.ts';

/**
 * What is at a path that a word names: a file or a folder. Devices and pipes are refused: one that gives nothing would be waited for, and one that
 * never ends would be read until there is no memory. `hint` goes behind the sentence of a path at which nothing is.
 */
export async function fileOrFolder(path: string, expected: string, hint = ''): Promise<Stats> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`expected ${expected}, but ${path} cannot be read (${error.code})${hint}`, { cause: error });
  });
  if (found.isFile() || found.isDirectory()) return found;
  throw new UsageError(`expected ${expected}, but ${path} is a device, pipe or socket; write it to a file first`);
}

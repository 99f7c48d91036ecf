import { chmod, readFile } from 'node:fs/promises';
import { writeDurably } from './durable-file.ts';
import { isMissing } from './storage-error.ts';

/**
 * Reads a secret that is made once: when the file is missing, `make` gives its text and it is written with mode 0600. A
 * wider mode that somebody set is narrowed.
 */
export async function secretFile(path: string, make: () => string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    await chmod(path, 0o600);
    return text;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const text = make();
  await writeDurably(path, text, 0o600);
  return text;
}

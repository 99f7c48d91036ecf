import { readFile } from 'node:fs/promises';
import { CloudletError } from '../guest-sdk/protocol/index.ts';
import { type PolicyFile, parsePolicy } from '../runtime/index.ts';

/** Reads the file of `--policy`; `request-invalid` says what is wrong with it. Without a file nothing is said. */
export async function readPolicy(path: string | undefined): Promise<PolicyFile> {
  if (path === undefined) return {};
  const refuse = (sentence: string, cause: unknown) => new CloudletError('request-invalid', sentence, { cause });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse(`expected --policy to name a JSON file, but ${path} cannot be read (${error.code})`, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(`expected JSON in ${path}, got ${(error as Error).message}`, error);
  }
  return parsePolicy(value, path);
}

import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../usage-error.ts';

/**
 * Writes what a function gives to stdout, or to a file. A plain file appears whole or not at all; anything else that a path can name
 * (a device, a pipe) is written as it comes.
 */
export async function writeOutput(body: AsyncIterable<Uint8Array>, path: string | undefined): Promise<void> {
  if (path === undefined && process.stdout.isTTY) body = forTerminal(body);
  if (path === undefined || path === '-') return await pipeline(body, process.stdout, { end: false });
  if (!(await isPlainFile(path))) return await pipeline(body, createWriteStream(path, { flags: 'r+' }));
  const partial = `${path}.${process.pid}.partial`;
  try {
    await pipeline(body, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Passes text on and refuses what begins with anything else, which would garble the terminal; `--output -` writes it there all the same. */
export async function* forTerminal(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of body) {
    if (first && chunk.includes(0)) {
      throw new UsageError('the result is no text, and stdout is a terminal; write it to a file with --output FILE');
    }
    first = false;
    yield chunk;
  }
}

/** Refuses a path that cannot be written before anything is run for it. */
export async function checkOutput(path: string | undefined): Promise<void> {
  if (path === undefined || path === '-') return;
  try {
    if (!(await isPlainFile(path))) return;
    const partial = `${path}.${process.pid}.partial`;
    await (await open(partial, 'wx')).close();
    await rm(partial);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`expected a file that can be written for --output, but ${path} cannot (${code})`, {
      cause: error,
    });
  }
}

/** Whether a path is a plain file or free for one. A directory is neither, which opening it tells. */
async function isPlainFile(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found?.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
  return found === null || found.isFile();
}

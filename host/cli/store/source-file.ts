import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { CloudletError, type Digest, digestOfHex, type TarFile, tarPieces } from '../../../guest-sdk/protocol/index.ts';

/** A file that an entry is made of; it is read anew each time that it is opened. */
export interface SourceFile {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly open: () => Uint8Array | AsyncIterable<Uint8Array>;
}

/** Largest folder of pages that is packed here: it is held in memory, and a cloudlet takes no more. */
const MAX_WEB_BYTES = 256 * 1024 * 1024;

/** A file, hashed as it lies there. */
export async function fileSource(path: string): Promise<SourceFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return { name: basename(path), digest: digestOfHex(hash.digest('hex')), bytes, open: () => createReadStream(path) };
}

/** The pages of a web application: an archive as it is, or a folder, packed so that the same files make the same bytes. */
export async function webSource(path: string): Promise<SourceFile> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (!found.isDirectory()) return await fileSource(path);
  const files: TarFile[] = [];
  let total = 0;
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  const paths = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  for (const each of paths.sort()) {
    const bytes = await readFile(each);
    total += bytes.length;
    if (total > MAX_WEB_BYTES)
      throw new CloudletError(
        'request-invalid',
        `expected pages of at most ${MAX_WEB_BYTES} bytes in ${path}, got more`,
      );
    files.push([relative(path, each).split(sep).join('/'), bytes]);
  }
  if (!files.some(([name]) => name === 'index.html'))
    throw new CloudletError('request-invalid', `expected index.html in the folder of pages ${path}, got none`);
  const bytes = Buffer.concat(tarPieces(files));
  const digest = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
  return { name: `${basename(path)}.tar`, digest, bytes: bytes.length, open: () => bytes };
}

function unreadable(path: string, error: unknown): CloudletError {
  const { code } = error as NodeJS.ErrnoException;
  return new CloudletError('request-invalid', `expected a file at ${path}, which cannot be read (${code})`, {
    cause: error,
  });
}

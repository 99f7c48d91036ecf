import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { asStorageError } from '../../../store/index.ts';
import { declaredFiles, imageFiles } from '../image-files.ts';
import type { VmImage } from '../vm-image.ts';
import { parseVmManifest } from '../vm-manifest.ts';
import { archiveHead, BLOCK_BYTES, COMPRESSION, END } from './archive-format.ts';

/** What is read at once. */
const READ_BYTES = 8 * BLOCK_BYTES;

/** Node's encoder that is told of the end while it holds a piece ends its frame twice, an empty one behind it: so it holds none. */
const WRITING = { ...COMPRESSION, writableHighWaterMark: 1 };

/** How an image is exported. */
export interface ExportOptions {
  /** Told how many of the image's bytes were looked at, holes among them. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes an image to one file, which another cloudlet can import; gives its length in bytes. Same image, same bytes. What was at `path`
 * stays until the whole is there. The image must be held meanwhile.
 */
export async function exportImage(image: VmImage, path: string, options: ExportOptions = {}): Promise<number> {
  const manifest = await readFile(imageFiles(image.directory).manifest, 'utf8');
  const temporary = join(dirname(path), `.cloudlet-export-${randomUUID()}`);
  try {
    const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
    file.write(archiveHead(manifest));
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    await pipeline(blocks(image, manifest, options), createZstdCompress(WRITING), file, signal);
    await rename(temporary, path);
    return (await stat(path)).size;
  } catch (error) {
    await rm(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') throw asStorageError(error);
    throw new CloudletError('storage-unavailable', `${path} cannot be written (${code}); choose another file`, {
      cause: error,
    });
  }
}

async function* blocks(image: VmImage, manifest: string, { onProgress }: ExportOptions): AsyncGenerator<Buffer> {
  const files = declaredFiles(image.directory, parseVmManifest(manifest));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const zeros = Buffer.alloc(BLOCK_BYTES);
  let done = 0;
  for (const { path } of files) {
    const file = await open(path, 'r');
    try {
      for (let at = 0; ; at += READ_BYTES) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, at);
        if (bytesRead === 0) break;
        for (let start = 0; start < bytesRead; start += BLOCK_BYTES) {
          const block = buffer.subarray(start, Math.min(start + BLOCK_BYTES, bytesRead));
          if (block.equals(zeros.subarray(0, block.length))) continue;
          yield numbered((at + start) / BLOCK_BYTES);
          yield block;
        }
        done += bytesRead;
        onProgress?.(done, total);
      }
    } finally {
      await file.close();
    }
    yield numbered(END);
  }
}

function numbered(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type DirectoryEntry, END_BYTES, parseDirectory, parseEnd } from './zip-directory.ts';

/** A file of a zip. Its bytes are read before the next is asked for, or not at all. */
export interface ZipFile {
  readonly path: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What one zip may make us do. */
export interface ZipLimits {
  readonly files: number;
  /** Of all files together, unpacked. */
  readonly bytes: number;
}

/** Longest comment behind the end record. */
const MAX_COMMENT_BYTES = 65_535;

const LOCAL_BYTES = 30;

/**
 * The files of a zip, by its central directory, which alone counts. Sizes and checksums are compared with what comes out, and the sum of
 * what the directory says is bounded before anything is unpacked; files that share their bytes (a bomb in little space) are refused.
 */
export async function* readZip(handle: FileHandle, limits: ZipLimits): AsyncGenerator<ZipFile> {
  const { size } = await handle.stat();
  const tail = await bytesAt(
    handle,
    Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES),
    Math.min(size, END_BYTES + MAX_COMMENT_BYTES),
  );
  const end = parseEnd(tail);
  // A directory of so many files with the longest names; a longer one is none of ours.
  if (end.entries > limits.files * 2 || end.bytes > limits.files * 1024)
    throw refused(`a directory of at most ${limits.files * 2} entries, got ${end.entries} in ${end.bytes} bytes`);
  const entries = parseDirectory(await bytesAt(handle, end.offset, end.bytes), end.entries);
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (total > limits.bytes) throw refused(`files of at most ${limits.bytes} bytes together, got ${total}`);
  let free = 0;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (entry.offset < free) throw refused('files that lie one behind the other, got two over each other');
    const start = await dataStart(handle, entry, end.offset);
    free = start + entry.packed;
    if (free > end.offset) throw refused('files before the directory, got one that reaches into it');
    yield { path: entry.path, size: entry.size, bytes: unpacked(handle, entry, start) };
  }
}

/** Names and extra fields of the local header may be longer than in the directory; what else it says is not asked. */
async function dataStart(handle: FileHandle, entry: DirectoryEntry, limit: number): Promise<number> {
  if (entry.offset + LOCAL_BYTES > limit) throw refused('a header of each file, got an end');
  const header = Buffer.from(await bytesAt(handle, entry.offset, LOCAL_BYTES));
  if (header.readUInt32LE(0) !== 0x04034b50) throw refused('a header of each file, got other bytes');
  return entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function* unpacked(handle: FileHandle, entry: DirectoryEntry, start: number): AsyncGenerator<Uint8Array> {
  if (entry.packed === 0 && entry.size === 0) return;
  if (entry.packed === 0) throw refused(`bytes of ${JSON.stringify(entry.path)}, got none`);
  const file = handle.createReadStream({ start, end: start + entry.packed - 1, autoClose: false });
  const source =
    entry.method === 'stored'
      ? file
      : pipeline(file, createInflateRaw(), () => {
          // Whoever reads sees the error, too.
        });
  let left = entry.size;
  let checksum = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) throw refused(`${entry.size} bytes of ${JSON.stringify(entry.path)}, got more`);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw refused(`deflated bytes of ${JSON.stringify(entry.path)}, got others`, error);
  }
  if (left > 0) throw refused(`${entry.size} bytes of ${JSON.stringify(entry.path)}, got ${entry.size - left}`);
  if (checksum !== entry.checksum) throw refused(`the checksum of ${JSON.stringify(entry.path)}, got another`);
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw refused('a whole zip, got its end too early');
    at += bytesRead;
  }
  return bytes;
}

function refused(expected: string, cause?: unknown): CloudletError {
  return new CloudletError('package-invalid', `the zip: expected ${expected}`, { cause });
}

import {
  CloudletError,
  parsePaxRecords,
  parseTarHeader,
  plainPathFault,
  TAR_BLOCK_BYTES,
} from '../../../guest-sdk/protocol/index.ts';
import type { ByteFeed } from './byte-feed.ts';

/** A file of a tar. Its bytes are read before the next file is asked for, or skipped. */
export interface TarEntry {
  /** A plain relative path; no two entries have the same. */
  readonly path: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What one tar may make us do. */
export interface TarLimits {
  /** What it is, for sentences: `the package`. */
  readonly what: string;
  /** Headers of all types. */
  readonly entries: number;
  /** Of all files together. */
  readonly bytes: number;
}

/** Longest header of pax records, and longest name: more is no path of ours. */
const MAX_RECORD_BYTES = 16 * 1024;

/**
 * The files of a tar, as they come. Refuses with `package-invalid` whatever is no file or directory (links, devices, sparse files), paths
 * that leave or are there twice, damaged headers, and more than the limits; the end of the tar is read to its last byte.
 */
export async function* readTar(feed: ByteFeed, limits: TarLimits): AsyncGenerator<TarEntry> {
  const seen = new Set<string>();
  let left = limits.bytes;
  let longName: string | null = null;
  for (let entries = 0; ; entries += 1) {
    const header = parseTarHeader(await feed.take(TAR_BLOCK_BYTES));
    if (typeof header === 'string') throw refused(limits, header);
    if (header === null) break;
    if (entries === limits.entries) throw refused(limits, `more than ${limits.entries} entries`);
    const { type, size } = header;
    if (type === 'x' || type === 'g' || type === 'L') {
      if (size > MAX_RECORD_BYTES) throw refused(limits, `a header of ${size} bytes`);
      const record = (await padded(feed, size)) as Uint8Array;
      if (type !== 'g') longName = type === 'L' ? longNameOf(record) : (pathOf(record, limits) ?? longName);
      continue;
    }
    const path = plain(longName ?? header.name, type, limits);
    longName = null;
    if (type === '5') {
      if (size !== 0) throw refused(limits, `a directory with ${size} bytes: ${JSON.stringify(path)}`);
      continue;
    }
    if (type !== '0' && type !== '7')
      throw refused(limits, `${nameOfType(type)}, where only files and directories may be: ${JSON.stringify(path)}`);
    if (seen.has(path)) throw refused(limits, `a path twice: ${JSON.stringify(path)}`);
    seen.add(path);
    left -= size;
    if (left < 0) throw refused(limits, `files of more than ${limits.bytes} bytes`);
    const before = feed.takenBytes;
    yield { path, size, bytes: feed.stream(size) };
    await skip(feed, before + size - feed.takenBytes);
    await feed.take(fillingOf(size));
  }
  // Tools fill up to a whole record; the sender has to be heard to the end.
  for await (const _ of feed.rest());
}

function fillingOf(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

async function padded(feed: ByteFeed, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await feed.take(size));
  await feed.take(fillingOf(size));
  return bytes;
}

async function skip(feed: ByteFeed, bytes: number): Promise<void> {
  for await (const _ of feed.stream(bytes));
}

function longNameOf(record: Uint8Array): string {
  return new TextDecoder().decode(record).replace(/\0.*$/s, '');
}

function pathOf(record: Uint8Array, limits: TarLimits): string | undefined {
  const records = parsePaxRecords(record);
  if (typeof records === 'string') throw refused(limits, records);
  // A size here would stand in for that of the header; sparse files have contents that are not what they seem.
  const unsafe = [...records.keys()].find((key) => key === 'size' || key.startsWith('GNU.sparse'));
  if (unsafe !== undefined) throw refused(limits, `a pax record ${JSON.stringify(unsafe)}`);
  return records.get('path');
}

/** The path without a leading `./` and the `/` behind a directory. */
function plain(name: string, type: string, limits: TarLimits): string {
  const path = name.replace(/^(?:\.\/)+/, '').replace(type === '5' ? /\/+$/ : /$^/, '');
  // The directory that all are in.
  if (type === '5' && (path === '' || path === '.')) return path;
  const fault = plainPathFault(path);
  if (fault !== null) throw refused(limits, `${fault}: ${JSON.stringify(name.slice(0, 200))}`);
  return path;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  S: 'a sparse file',
};

function nameOfType(type: string): string {
  return TYPE_NAMES[type] ?? `an entry of type ${JSON.stringify(type)}`;
}

function refused({ what }: TarLimits, got: string): CloudletError {
  return new CloudletError('package-invalid', `expected ${what} as a plain tar of files, got ${got}`);
}

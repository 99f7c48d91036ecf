import { CloudletError, plainPathFault } from '../../../guest-sdk/protocol/index.ts';

/** Bytes of the record at the end of a zip, without its comment. */
export const END_BYTES = 22;

const ENTRY_BYTES = 46;

/** Where the central directory is. */
export interface ZipEnd {
  readonly entries: number;
  readonly bytes: number;
  readonly offset: number;
}

/** A file as the central directory describes it. */
export interface DirectoryEntry {
  readonly path: string;
  readonly method: 'stored' | 'deflated';
  /** Bytes in the zip. */
  readonly packed: number;
  /** Bytes unpacked. */
  readonly size: number;
  /** CRC-32 of the unpacked bytes. */
  readonly checksum: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Finds the record in the last bytes of a zip; `package-invalid` when there is none, or it tells of several disks or of 64 bits. */
export function parseEnd(tail: Uint8Array): ZipEnd {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  for (let at = bytes.length - END_BYTES; at >= 0; at -= 1) {
    if (bytes.readUInt32LE(at) !== 0x06054b50 || at + END_BYTES + bytes.readUInt16LE(at + 20) !== bytes.length)
      continue;
    const [disk, first, here, entries] = [4, 6, 8, 10].map((field) => bytes.readUInt16LE(at + field));
    if (disk !== 0 || first !== 0 || here !== entries) throw refused('one file of one disk, got a part of several');
    const end = { entries: entries!, bytes: bytes.readUInt32LE(at + 12), offset: bytes.readUInt32LE(at + 16) };
    if (entries === 0xffff || end.bytes === 0xffffffff || end.offset === 0xffffffff)
      throw refused('a zip of less than 4 GiB, got one of 64 bits');
    return end;
  }
  throw refused('the record at its end, got none');
}

/** The files of a central directory; directories are left out. Paths are plain and each is there once. */
export function parseDirectory(directory: Uint8Array, count: number): DirectoryEntry[] {
  const bytes = Buffer.from(directory.buffer, directory.byteOffset, directory.length);
  const found = new Map<string, DirectoryEntry>();
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50)
      throw refused(`a directory of ${count} entries, got ${i}`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
    const next = at + ENTRY_BYTES + nameBytes! + extraBytes! + commentBytes!;
    if (next > bytes.length) throw refused('whole entries in the directory, got a part');
    const name = nameOf(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes!));
    const entry = entryAt(bytes, at, name);
    at = next;
    if (entry === null) continue;
    if (found.has(entry.path)) throw refused(`each path once, got twice: ${JSON.stringify(entry.path)}`);
    found.set(entry.path, entry);
  }
  return [...found.values()];
}

function entryAt(bytes: Buffer, at: number, name: string): DirectoryEntry | null {
  const isDirectory = name.endsWith('/');
  const path = isDirectory ? name.slice(0, -1) : name;
  const fault = plainPathFault(path);
  if (fault !== null) throw refused(`plain relative paths, got ${fault}: ${JSON.stringify(name.slice(0, 200))}`);
  const quoted = JSON.stringify(path);
  // Whoever made it on Unix says in the upper half of the attributes what kind of file it is: 4 directory, 8 file, 10 link.
  const kind = bytes[at + 5] === 3 ? bytes.readUInt32LE(at + 38) >>> 28 : 0;
  if (![0, 4, 8].includes(kind)) throw refused(`files and directories only, got a link or device: ${quoted}`);
  if (isDirectory) return null;
  if ((bytes.readUInt16LE(at + 8) & 1) !== 0) throw refused(`files without a password, got ${quoted}`);
  const method = bytes.readUInt16LE(at + 10);
  if (method !== 0 && method !== 8) throw refused(`stored or deflated files, got method ${method} for ${quoted}`);
  const packed = bytes.readUInt32LE(at + 20);
  const size = bytes.readUInt32LE(at + 24);
  const offset = bytes.readUInt32LE(at + 42);
  if ([packed, size, offset].includes(0xffffffff)) throw refused(`sizes of 32 bits, got 64 for ${quoted}`);
  if (method === 0 && packed !== size) throw refused(`a stored file of ${size} bytes, got ${packed}: ${quoted}`);
  const checksum = bytes.readUInt32LE(at + 16);
  return { path, method: method === 0 ? 'stored' : 'deflated', packed, size, checksum, offset };
}

function nameOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new CloudletError('package-invalid', 'the zip: expected names in UTF-8, got another', { cause: error });
  }
}

function refused(expected: string): CloudletError {
  return new CloudletError('package-invalid', `the zip: expected ${expected}`);
}

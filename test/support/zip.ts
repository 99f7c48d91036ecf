/**
 * Zips for tests, also such as nobody honest makes.
 */
import { crc32, deflateRawSync } from 'node:zlib';

/** A file of a zip; what is given beside its name and bytes is written instead of the truth. */
export interface ZippedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly stored?: boolean;
  readonly size?: number;
  readonly checksum?: number;
  readonly flags?: number;
  readonly method?: number;
  /** Unix mode, such as 0o120777 of a link. */
  readonly mode?: number;
  /** Offset of the local header. */
  readonly offset?: number;
}

/** A zip of files. */
export function zip(files: readonly ZippedFile[], end: { entries?: number; comment?: string } = {}): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const file of files) {
    const name = Buffer.from(file.name);
    const packed = file.stored === true ? Buffer.from(file.bytes) : deflateRawSync(file.bytes);
    const method = file.method ?? (file.stored === true ? 0 : 8);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(0x0300 | 20, 4);
    central.writeUInt16LE(file.flags ?? 0, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(file.checksum ?? crc32(file.bytes), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(file.size ?? file.bytes.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(((file.mode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(file.offset ?? at, 42);
    locals.push(local, name, packed);
    directory.push(central, name);
    at += 30 + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const comment = Buffer.from(end.comment ?? '');
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.entries ?? files.length, 8);
  record.writeUInt16LE(end.entries ?? files.length, 10);
  record.writeUInt32LE(central.length, 12);
  record.writeUInt32LE(at, 16);
  record.writeUInt16LE(comment.length, 20);
  return new Uint8Array(Buffer.concat([...locals, central, record, comment]));
}

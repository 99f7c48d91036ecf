import { createHash } from 'node:crypto';
import { constants, type ZstdOptions } from 'node:zlib';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { MAX_MANIFEST_BYTES } from '../vm-manifest.ts';

/**
 * A saved VM as one file:
 *
 *     magic with the version (8) · SHA-256 of the manifest (32) · its length (4, big endian) · the manifest
 *     one zstd frame: for each file that the manifest declares, in its order: its blocks of 64 KiB that are not all zeros, each after
 *     its number (4, big endian), by rising number; then END
 *
 * An image is always written as the same bytes.
 */
const MAGIC = Buffer.from('CLDLTVM\x01', 'latin1');

/** Bytes before the manifest. */
export const HEAD_BYTES = MAGIC.length + 32 + 4;

/** What a file is cut into: what is zeros is left out. */
export const BLOCK_BYTES = 64 * 1024;

/** Stands where the number of a block would, after the last block of a file. */
export const END = 0xffffffff;

/** How far back zstd refers, as a power of two: what whoever reads an archive has to keep in memory. */
const WINDOW_LOG = 23;

/** Compresses to archives. More would save some per cent, and take minutes. */
export const COMPRESSION: ZstdOptions = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 6,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

/** Reads archives, in bounded memory. */
export const DECOMPRESSION: ZstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } };

/** The bytes of an archive before its frame. */
export function archiveHead(manifest: string): Buffer {
  const text = Buffer.from(manifest);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([MAGIC, createHash('sha256').update(text).digest(), length, text]);
}

/** How long the manifest is that follows these `HEAD_BYTES`; `image-refused` when they begin no archive of this version. */
export function manifestLength(head: Uint8Array): number {
  const bytes = Buffer.from(head);
  if (!bytes.subarray(0, MAGIC.length - 1).equals(MAGIC.subarray(0, -1))) throw archiveRefused('it is no saved VM');
  const [version, expected] = [bytes[MAGIC.length - 1], MAGIC.at(-1)];
  if (version !== expected) throw archiveRefused(`expected version ${expected} of its format, got ${version}`);
  const length = bytes.readUInt32BE(HEAD_BYTES - 4);
  if (length > MAX_MANIFEST_BYTES)
    throw archiveRefused(`its manifest has ${length} bytes, expected at most ${MAX_MANIFEST_BYTES}`);
  return length;
}

/** The manifest behind a head; `image-refused` when it is not the one that the head names. */
export function checkedManifest(head: Uint8Array, manifest: Uint8Array): string {
  const named = Buffer.from(head).subarray(MAGIC.length, MAGIC.length + 32);
  if (!createHash('sha256').update(manifest).digest().equals(named)) throw archiveRefused('its manifest is torn');
  return Buffer.from(manifest).toString('utf8');
}

/** What is said of an archive that cannot be used; `why` is a clause. */
export function archiveRefused(why: string, cause?: unknown): CloudletError {
  return new CloudletError('image-refused', `the file of a saved VM cannot be used: ${why}`, { cause });
}

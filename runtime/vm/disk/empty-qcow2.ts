import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

/** What an empty qcow2 is to be. */
export interface EmptyQcow2 {
  /** Size of the disk in it. */
  readonly bytes: number;
  /** The unit in which it grows, as a power of two; default 16, 64 KiB. */
  readonly clusterBits?: number;
}

/** `QFI` and 0xfb, the version that is written, and the length of its header. */
const MAGIC = 0x514649fb;
const VERSION = 3;
const HEADER_BYTES = 104;
/** Reference counts of 16 bits, as a power of two. */
const REFCOUNT_ORDER = 4;
/** The largest disk, bytes: the tables that say where it is take the host's memory. */
const MAX_BYTES = 2 ** 40;

/**
 * A qcow2 that holds nothing and names nothing below it: what a disk that is only read is written on. Its tables are one cluster each, but the
 * first level, whose entries all say that there is nothing. Fails with `request-invalid` for a disk that is too large.
 */
export function emptyQcow2({ bytes, clusterBits = 16 }: EmptyQcow2): Buffer {
  if (!(bytes > 0 && bytes <= MAX_BYTES && bytes % 512 === 0)) {
    throw new CloudletError(
      'request-invalid',
      `expected a disk of 512 to ${MAX_BYTES} bytes in whole sectors, got ${bytes}`,
    );
  }
  const cluster = 2 ** clusterBits;
  const entries = Math.ceil(bytes / (cluster * (cluster / 8)));
  const firstLevel = Math.ceil((entries * 8) / cluster);
  // Header, table of reference counts, a block of them, then the first level.
  const clusters = 3 + firstLevel;
  if (clusters > cluster / 2) {
    throw new CloudletError('request-invalid', `expected larger clusters for a disk of ${bytes} bytes, got ${cluster}`);
  }
  const file = Buffer.alloc(clusters * cluster);
  file.writeUInt32BE(MAGIC, 0);
  file.writeUInt32BE(VERSION, 4);
  file.writeUInt32BE(clusterBits, 20);
  file.writeBigUInt64BE(BigInt(bytes), 24);
  file.writeUInt32BE(entries, 36);
  file.writeBigUInt64BE(BigInt(3 * cluster), 40);
  file.writeBigUInt64BE(BigInt(cluster), 48);
  file.writeUInt32BE(1, 56);
  file.writeUInt32BE(REFCOUNT_ORDER, 96);
  file.writeUInt32BE(HEADER_BYTES, 100);
  file.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let used = 0; used < clusters; used++) file.writeUInt16BE(1, 2 * cluster + 2 * used);
  return file;
}

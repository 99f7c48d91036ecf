import type { FileHandle } from 'node:fs/promises';
import { CloudletError } from '../../../guest-sdk/protocol/errors.ts';

/** Where a cluster of a qcow2 file is: a place in the file, zeros, or nowhere: then the layer below has it. */
export type ClusterPlace = number | 'zero' | 'below';

/** Which clusters a qcow2 layer holds. */
export interface Qcow2Map {
  readonly clusterBytes: number;
  readonly diskBytes: number;
  place(cluster: number): ClusterPlace;
  /** Numbers of the clusters that are not `below`, ascending. */
  held(): Iterable<number>;
}

const MAGIC = 0x514649fb;
const VERSION = 3;
const HEADER_BYTES = 104;
/** Incompatible features that change nothing for who reads: the file was not closed, which is so for a saved VM that was killed. */
const HARMLESS_FEATURES = 1n;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const ZERO = 1n;

/** Largest disk that is read, bytes: it bounds the first table. */
const MAX_DISK_BYTES = 2 ** 40;
const [MIN_CLUSTER_BITS, MAX_CLUSTER_BITS] = [12, 21];

/** Stand for `zero` and `below` among offsets, of which none is negative. */
const [IS_ZERO, IS_BELOW] = [-2, -1];

interface Header {
  readonly clusterBytes: number;
  readonly diskBytes: number;
  readonly l1Entries: number;
  readonly l1At: number;
}

/**
 * Reads which clusters a qcow2 file of version 3 holds. `image-refused` when it has what is not written here (compressed clusters,
 * encryption, snapshots, a second file) or points beyond itself. Memory is bounded by the size of the file: no table is read twice.
 */
export async function readQcow2Map(file: FileHandle): Promise<Qcow2Map> {
  const { size } = await file.stat();
  const header = parseHeader(await readExactly(file, 0, HEADER_BYTES, size));
  const { clusterBytes, diskBytes } = header;
  const perTable = clusterBytes / 8;
  const l1 = await readExactly(file, header.l1At, header.l1Entries * 8, size);
  const tables = new Map<number, Float64Array>();
  const seen = new Set<number>();
  for (let index = 0; index < header.l1Entries; index++) {
    const at = Number(l1.readBigUInt64BE(index * 8) & OFFSET_MASK);
    if (at === 0) continue;
    if (seen.has(at)) throw refused(`its table at ${at} is used twice`);
    seen.add(at);
    tables.set(index, placesOf(await readExactly(file, at, clusterBytes, size), clusterBytes, size));
  }
  const clusters = Math.ceil(diskBytes / clusterBytes);
  return {
    clusterBytes,
    diskBytes,
    place(cluster) {
      const place = tables.get(Math.floor(cluster / perTable))?.[cluster % perTable] ?? IS_BELOW;
      return place >= 0 ? place : place === IS_ZERO ? 'zero' : 'below';
    },
    *held() {
      for (const [index, table] of tables)
        for (let entry = 0; entry < perTable && index * perTable + entry < clusters; entry++)
          if (table[entry] !== IS_BELOW) yield index * perTable + entry;
    },
  };
}

function parseHeader(bytes: Buffer): Header {
  if (bytes.readUInt32BE(0) !== MAGIC) throw refused('it does not begin as one');
  const version = bytes.readUInt32BE(4);
  if (version !== VERSION) throw refused(`expected version ${VERSION}, got ${version}`);
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS)
    throw refused(`its clusters have 2^${clusterBits} bytes`);
  if (bytes.readUInt32BE(32) !== 0) throw refused('it is encrypted');
  if (bytes.readUInt32BE(60) !== 0) throw refused('it has snapshots inside');
  const features = bytes.readBigUInt64BE(72) & ~HARMLESS_FEATURES;
  if (features !== 0n) throw refused(`it needs the features 0x${features.toString(16)}`);
  const clusterBytes = 2 ** clusterBits;
  const diskBytes = Number(bytes.readBigUInt64BE(24));
  if (diskBytes > MAX_DISK_BYTES) throw refused(`its disk has ${diskBytes} bytes, expected at most ${MAX_DISK_BYTES}`);
  const l1Entries = bytes.readUInt32BE(36);
  const needed = Math.ceil(diskBytes / (clusterBytes * (clusterBytes / 8)));
  // More of them are no error, and say nothing of this disk.
  if (l1Entries < needed) throw refused(`its first table has ${l1Entries} entries, expected ${needed}`);
  return { clusterBytes, diskBytes, l1Entries: needed, l1At: offset(bytes.readBigUInt64BE(40), clusterBytes) };
}

function placesOf(table: Buffer, clusterBytes: number, fileBytes: number): Float64Array {
  const places = new Float64Array(clusterBytes / 8);
  for (let entry = 0; entry < places.length; entry++) {
    const word = table.readBigUInt64BE(entry * 8);
    if ((word & COMPRESSED) !== 0n) throw refused('it has compressed clusters');
    const at = word & OFFSET_MASK;
    if ((word & ZERO) !== 0n) places[entry] = IS_ZERO;
    else if (at === 0n) places[entry] = IS_BELOW;
    else {
      places[entry] = offset(at, clusterBytes);
      if (places[entry]! >= fileBytes) throw refused(`a cluster is at ${at} of ${fileBytes} bytes`);
    }
  }
  return places;
}

function offset(at: bigint, clusterBytes: number): number {
  if (at > BigInt(Number.MAX_SAFE_INTEGER) || Number(at) % clusterBytes !== 0)
    throw refused(`something is at ${at}, which is no cluster's place`);
  return Number(at);
}

async function readExactly(file: FileHandle, at: number, length: number, fileBytes: number): Promise<Buffer> {
  // Before the memory is taken: the file says how much.
  if (at + length > fileBytes) throw refused(`expected ${length} bytes at ${at}, it has ${fileBytes}`);
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead !== length) throw refused(`expected ${length} bytes at ${at}, got ${bytesRead}`);
  return bytes;
}

function refused(why: string): CloudletError {
  return new CloudletError('image-refused', `a qcow2 layer of a disk cannot be read: ${why}; make the VM image again`);
}

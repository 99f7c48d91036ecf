import type { FileHandle } from 'node:fs/promises';

/** Longest table of reference counts, and most blocks of them that are read: 1 TiB in clusters of 64 KiB needs a 16th and a half of it. */
const [MAX_TABLE_BYTES, MAX_BLOCKS] = [2 ** 20, 1024];

/**
 * Bytes of a qcow2 that `emptyQcow2` began, up to the last cluster in use: what lies behind is nothing. Its counts of references say so, which
 * QEMU has written when its machine stands still or has ended. Throws a sentence when it is no such file.
 */
export async function qcow2Length(file: FileHandle): Promise<number> {
  const header = await readAt(file, 0, 104);
  const clusterBits = header.readUInt32BE(20);
  const tableClusters = header.readUInt32BE(56);
  const cluster = 2 ** clusterBits;
  if (
    header.toString('latin1', 0, 3) !== 'QFI' ||
    clusterBits < 9 ||
    clusterBits > 21 ||
    header.readUInt32BE(96) !== 4
  ) {
    throw new Error('expected a qcow2 with reference counts of 16 bits, got another file');
  }
  if (tableClusters * cluster > MAX_TABLE_BYTES)
    throw new Error(`expected a smaller table, got ${tableClusters} clusters`);
  const table = await readAt(file, Number(header.readBigUInt64BE(48)), tableClusters * cluster);
  const countsInBlock = cluster / 2;
  let blocks = 0;
  for (let block = table.length / 8 - 1; block >= 0; block--) {
    const offset = table.readBigUInt64BE(block * 8);
    if (offset === 0n) continue;
    blocks += 1;
    if (blocks > MAX_BLOCKS) break;
    const counts = await readAt(file, Number(offset), cluster);
    for (let at = countsInBlock - 1; at >= 0; at--) {
      if (counts.readUInt16BE(at * 2) !== 0) return (block * countsInBlock + at + 1) * cluster;
    }
  }
  throw new Error('expected a qcow2 with its header counted, got none');
}

async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  await file.read(buffer, 0, bytes, offset);
  return buffer;
}

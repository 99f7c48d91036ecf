import { type FileHandle, open } from 'node:fs/promises';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { readQcow2Map } from '../disk/qcow2-map.ts';

/** What is read or written at once. */
const PIECE_BYTES = 4 * 2 ** 20;

/**
 * Puts into a raw disk what the layer on top of it holds, so that it can go: a base has one layer, which whoever makes an overlay on it compares
 * with.
 */
export async function flatten(raw: string, top: string, signal?: AbortSignal): Promise<void> {
  const [disk, layer] = [await open(raw, 'r+'), await open(top, 'r')];
  try {
    const map = await readQcow2Map(layer);
    const { size } = await disk.stat();
    if (map.diskBytes !== size) {
      throw new CloudletError('machine-failed', `expected a layer over ${size} bytes, got one over ${map.diskBytes}`);
    }
    const cluster = Buffer.alloc(map.clusterBytes);
    // What a guest has trimmed is all of its free disk, and a hole already: runs of it are looked at, not written.
    let zeros = { from: 0, to: 0 };
    for (const number of map.held()) {
      signal?.throwIfAborted();
      const place = map.place(number);
      const [from, to] = [number * map.clusterBytes, Math.min((number + 1) * map.clusterBytes, size)];
      if (typeof place === 'number') {
        await layer.read(cluster, 0, cluster.length, place);
        await disk.write(cluster, 0, to - from, from);
      } else if (place === 'zero') {
        if (zeros.to === from && to - zeros.from <= PIECE_BYTES) zeros = { from: zeros.from, to };
        else {
          await clear(disk, zeros.from, zeros.to);
          zeros = { from, to };
        }
      }
    }
    await clear(disk, zeros.from, zeros.to);
  } finally {
    await Promise.all([disk.close(), layer.close()]);
  }
}

/** Writes zeros where something else is. */
async function clear(disk: FileHandle, from: number, to: number): Promise<void> {
  const zeros = Buffer.alloc(to - from);
  const { buffer, bytesRead } = await disk.read(Buffer.alloc(to - from), 0, to - from, from);
  if (!buffer.equals(zeros)) await disk.write(zeros, 0, bytesRead, from);
}

/**
 * The overlay as the first systems made it, to compare with: all memory pages and disk blocks that differ, as they are, in one file; used one step
 * after the other: received, expanded, applied, resumed.
 */
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { copySparse } from '../../../runtime/machine/index.ts';
import { writtenBlocks } from '../../../runtime/provision/overlay/create/overlay-of.ts';
import { LayeredDisk } from '../../../runtime/vm/disk/layered-disk.ts';
import { LAYER_CLUSTER_BYTES, qcow2Pieces } from '../../../runtime/vm/disk/qcow2-layer.ts';
import type { VmImage } from '../../../runtime/vm/image/index.ts';

const PAGE = LAYER_CLUSTER_BYTES;
const PIECE = 256 * PAGE;
const LEVEL = 3;

const compress = promisify(zstdCompress);
const expand = promisify(zstdDecompress);

/** A naive overlay in memory. */
export interface NaiveOverlay {
  /** Changed pages, blocks, their numbers and the device state: what is compressed. */
  readonly rawBytes: number;
  readonly packed: Uint8Array;
}

/** Makes it of a service VM and its base: every page and block that is not what it was. */
export async function naiveOverlay(base: VmImage, result: VmImage): Promise<NaiveOverlay> {
  const memory = await changedPages(base.memory, result.memory);
  const blocks = await changedBlocks(base, result);
  const state = await readFile(result.state);
  const head = Buffer.alloc(12);
  head.writeUInt32LE(memory.numbers.length, 0);
  head.writeUInt32LE(blocks.numbers.length, 4);
  head.writeUInt32LE(state.length, 8);
  const raw = Buffer.concat([
    ...[head, numbersOf(memory.numbers), numbersOf(blocks.numbers)],
    ...[...memory.pages, ...blocks.pages, state],
  ]);
  return {
    rawBytes: raw.length,
    packed: await compress(raw, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }),
  };
}

/** Files of a VM that an overlay was applied to. */
export interface NaiveFiles {
  readonly memory: string;
  readonly state: string;
  /** An empty path for a qcow2 layer. */
  readonly layer: string;
}

/** Milliseconds of each step. */
export interface NaiveStages {
  readonly expandMs: number;
  readonly applyMs: number;
}

/** Expands an overlay that was received whole, and writes the files of its VM. */
export async function applyNaive(packed: Uint8Array, base: VmImage, files: NaiveFiles): Promise<NaiveStages> {
  const began = performance.now();
  const raw = (await expand(packed)) as Buffer;
  const expanded = performance.now();
  const [pages, blocks] = [raw.readUInt32LE(0), raw.readUInt32LE(4)];
  const pagesAt = 12 + 4 * (pages + blocks);
  const blocksAt = pagesAt + pages * PAGE;
  await copySparse(base.memory, files.memory);
  await withFile(files.memory, 'r+', (memory) =>
    writeRuns(raw, { numbersAt: 12, count: pages, bytesAt: pagesAt }, (bytes, page) =>
      memory.write(bytes, 0, bytes.length, page * PAGE),
    ),
  );
  await withFile(files.layer, 'w', async (layer) => {
    await layer.write(raw, blocksAt, blocks * PAGE, PAGE);
    const places = new Map(
      Array.from({ length: blocks }, (_, index) => [raw.readUInt32LE(12 + 4 * (pages + index)), index + 1]),
    );
    const content = { diskBytes: base.diskBytes, dataClusters: blocks, places };
    for (const { at, bytes } of qcow2Pieces(content)) await layer.write(bytes, 0, bytes.length, at);
  });
  await writeFile(files.state, raw.subarray(blocksAt + blocks * PAGE));
  return { expandMs: expanded - began, applyMs: performance.now() - expanded };
}

interface Changed {
  readonly numbers: readonly number[];
  readonly pages: readonly Uint8Array[];
}

async function changedPages(before: string, now: string): Promise<Changed> {
  const [was, is] = [await open(before, 'r'), await open(now, 'r')];
  try {
    const { size } = await is.stat();
    const found = collector();
    const [old, fresh] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)];
    for (let at = 0; at < size; at += PIECE) {
      old.fill(0, (await was.read(old, 0, PIECE, at)).bytesRead);
      fresh.fill(0, (await is.read(fresh, 0, PIECE, at)).bytesRead);
      found.compare(old, fresh, at);
    }
    return found;
  } finally {
    await Promise.all([was.close(), is.close()]);
  }
}

async function changedBlocks(base: VmImage, result: VmImage): Promise<Changed> {
  const was = await LayeredDisk.open(base.disk, base.diskBytes);
  const is = await LayeredDisk.open(result.disk, result.diskBytes);
  try {
    const found = collector();
    for (const { at, count } of await writtenBlocks(result.disk.slice(base.disk.length), result.diskBytes)) {
      const [old, fresh] = [Buffer.alloc(count * PAGE), Buffer.alloc(count * PAGE)];
      await was.read(at * PAGE, old);
      await is.read(at * PAGE, fresh);
      found.compare(old, fresh, at * PAGE);
    }
    return found;
  } finally {
    await Promise.all([was.close(), is.close()]);
  }
}

function collector() {
  const numbers: number[] = [];
  const pages: Uint8Array[] = [];
  return {
    numbers,
    pages,
    compare(old: Buffer, fresh: Buffer, offset: number): void {
      if (old.equals(fresh)) return;
      for (let at = 0; at < fresh.length; at += PAGE) {
        const page = fresh.subarray(at, at + PAGE);
        if (page.equals(old.subarray(at, at + PAGE))) continue;
        numbers.push((offset + at) / PAGE);
        pages.push(Buffer.from(page));
      }
    },
  };
}

function numbersOf(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * index);
  return bytes;
}

/** Writes pages that follow each other in one piece. */
async function writeRuns(
  raw: Buffer,
  { numbersAt, count, bytesAt }: { readonly numbersAt: number; readonly count: number; readonly bytesAt: number },
  write: (bytes: Uint8Array, page: number) => Promise<unknown>,
): Promise<void> {
  const number = (index: number) => raw.readUInt32LE(numbersAt + 4 * index);
  for (let from = 0; from < count; ) {
    let to = from + 1;
    while (to < count && number(to) === number(from) + (to - from)) to++;
    await write(raw.subarray(bytesAt + from * PAGE, bytesAt + to * PAGE), number(from));
    from = to;
  }
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

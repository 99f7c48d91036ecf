import { promisify } from 'node:util';
import { zstdCompress as compressAsync, constants as zlib, zstdDecompressSync } from 'node:zlib';
import {
  decodeTable,
  encodeTable,
  MAX_DICTIONARY_PAGES,
  PAGE_BYTES,
  type SegmentTable,
  type SourceRun,
} from './page-run.ts';

const zstdCompress = promisify(compressAsync);

/** A segment that was taken apart: pages and what becomes of them. */
export interface Segment extends SegmentTable {
  /** The bytes of the literal pages, in the order of the runs. */
  readonly literals: Uint8Array;
}

/** What a manifest says of a segment, before it is opened. */
export interface SegmentBounds {
  /** Pages that it fills. */
  readonly pages: number;
  /** Bytes that it expands to. */
  readonly expandedBytes: number;
}

/** Fills `into` with the pages of a dictionary. */
export type ReadSource = (run: SourceRun, into: Uint8Array) => void;

const HEAD_BYTES = 12;
/** A dictionary begins with it, so that no page can make it look like one that zstd trained. */
const DICTIONARY_HEAD = Buffer.alloc(8);

/** Largest window that a frame may ask for: it is memory, and nothing here is longer. */
const WINDOW = { [zlib.ZSTD_d_windowLogMax]: 24 };

/** Most that a segment may expand to, bytes: literals, and a table of which each run may take some bytes. */
export const MAX_EXPANDED_BYTES = 8 * 1024 * 1024;

/**
 * A segment's bytes: lengths (compressed table, table, literals, 32 bits each), then the table and the literals, each by zstd; the literals
 * against the dictionary of the table. The same segment at the same level is the same bytes.
 */
export async function encodeSegment(segment: Segment, level: number, read: ReadSource): Promise<Uint8Array> {
  const table = encodeTable(segment);
  const dictionary = dictionaryOf(segment, read);
  const [packedTable, packed] = await Promise.all([
    compressed(table, level),
    compressed(segment.literals, level, dictionary),
  ]);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(packedTable.length, 0);
  head.writeUInt32LE(table.length, 4);
  head.writeUInt32LE(segment.literals.length, 8);
  return Buffer.concat([head, packedTable, packed]);
}

/** The state of a VM's devices as a segment of its own: there are no pages in it. */
export function encodeState(state: Uint8Array, level: number): Promise<Uint8Array> {
  return compressed(state, level);
}

/** The state from a segment that anybody made; throws an error with a clause. */
export function decodeState(bytes: Uint8Array, length: number): Uint8Array {
  return expanded(bytes, length);
}

/** Bytes that a segment expands to, as its manifest declares them. */
export function expandedBytes(segment: Segment): number {
  return encodeTable(segment).length + segment.literals.length;
}

/**
 * Takes a segment apart that anybody made. Throws an error with a clause unless it is exactly what was declared; never takes more memory than that and
 * a dictionary.
 */
export function decodeSegment(bytes: Uint8Array, bounds: SegmentBounds, read: ReadSource): Segment {
  if (bytes.length < HEAD_BYTES) throw new Error('it is too short');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [packedTable, tableBytes, literalBytes] = [0, 4, 8].map((at) => view.readUInt32LE(at)) as [
    number,
    number,
    number,
  ];
  if (tableBytes + literalBytes !== bounds.expandedBytes || bounds.expandedBytes > MAX_EXPANDED_BYTES)
    throw new Error(`expected it to expand to ${bounds.expandedBytes} bytes, it says ${tableBytes + literalBytes}`);
  const table = decodeTable(expanded(view.subarray(HEAD_BYTES, HEAD_BYTES + packedTable), tableBytes), bounds.pages);
  const pages = table.runs.reduce((sum, { kind, count }) => sum + (kind === 'literal' ? count : 0), 0);
  if (pages * PAGE_BYTES !== literalBytes)
    throw new Error(`expected ${pages} literal pages, it says ${literalBytes} bytes`);
  const literals = expanded(view.subarray(HEAD_BYTES + packedTable), literalBytes, dictionaryOf(table, read));
  return { ...table, literals };
}

function dictionaryOf({ dictionary }: Pick<SegmentTable, 'dictionary'>, read: ReadSource): Buffer | undefined {
  const pages = dictionary.reduce((sum, { count }) => sum + count, 0);
  if (pages === 0) return undefined;
  if (pages > MAX_DICTIONARY_PAGES)
    throw new Error(`expected at most ${MAX_DICTIONARY_PAGES} pages of dictionary, got ${pages}`);
  const bytes = Buffer.alloc(DICTIONARY_HEAD.length + pages * PAGE_BYTES);
  let at = DICTIONARY_HEAD.length;
  for (const run of dictionary) {
    read(run, bytes.subarray(at, at + run.count * PAGE_BYTES));
    at += run.count * PAGE_BYTES;
  }
  return bytes;
}

/** Nothing is no bytes, rather than a frame that says so. */
async function compressed(bytes: Uint8Array, level: number, dictionary?: Buffer): Promise<Uint8Array> {
  if (bytes.length === 0) return bytes;
  const params = { [zlib.ZSTD_c_compressionLevel]: level };
  return await zstdCompress(bytes, { params, ...(dictionary && { dictionary }) });
}

/** Least that Node takes for a piece of what is expanded. */
const MIN_CHUNK_BYTES = 64;

/** Exactly so many bytes, or an error with a clause. */
function expanded(bytes: Uint8Array, length: number, dictionary?: Buffer): Uint8Array {
  if (length === 0 || bytes.length === 0) {
    if (length !== bytes.length) throw new Error('a part of it is missing');
    return new Uint8Array(0);
  }
  let found: Uint8Array;
  try {
    // In one piece, with a byte by which it is seen that there is no more: pieces of 16 KiB, put together, take three times the processor time.
    const room = { maxOutputLength: length, chunkSize: Math.max(MIN_CHUNK_BYTES, length + 1) };
    found = zstdDecompressSync(bytes, { ...room, params: WINDOW, ...(dictionary && { dictionary }) });
  } catch (error) {
    throw new Error(`it cannot be expanded: ${(error as Error).message}`, { cause: error });
  }
  if (found.length !== length) throw new Error(`expected ${length} bytes of it, it expands to ${found.length}`);
  return found;
}

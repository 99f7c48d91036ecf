import * as v from 'valibot';
import { type Digest, digestOf, digestOfHex, hexOf } from '../digest.ts';
import { plainPathFault } from '../grant/index.ts';
import { type TarFile, tarPlaces } from './tar-writer.ts';

/** A layer of files compressed in pieces, each of which expands by itself. */
export interface CompressedLayer {
  readonly bytes: Uint8Array;
  /** Of each piece, in their order: its bytes, and those that it expands to. */
  readonly frames: readonly LayerFrame[];
}

/** A piece of a compressed layer: its bytes, and those that it expands to. */
export type LayerFrame = readonly [bytes: number, expandedBytes: number];

/** A piece as an index has it: with the digest of its bytes, so that it can be checked without the rest; null where the index does not say. */
export interface IndexedFrame {
  readonly bytes: number;
  readonly expandedBytes: number;
  readonly digest: Digest | null;
}

/** A file of a layer, and where its bytes begin in the tar. */
export interface IndexedFile {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
  readonly digest: Digest;
}

/** What is in a layer of files and where, so that one file can be had, and checked, without the rest. */
export interface LayerIndex {
  /** Empty: the layer is not compressed. */
  readonly frames: readonly IndexedFrame[];
  readonly files: readonly IndexedFile[];
}

/** Longest index, characters: it travels in the manifest, which is read before anything else. A layer with a longer one has none. */
const MAX_INDEX_CHARACTERS = 64 * 1024;
/** Largest piece that is expanded for one file, bytes: memory that a publisher decides on. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const Length = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 40));
const Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const FrameBytes = v.pipe(Length, v.maxValue(MAX_FRAME_BYTES));
const IndexText = v.strictObject({
  frames: v.array(v.union([v.strictTuple([Length, FrameBytes, Hex]), v.strictTuple([Length, FrameBytes])])),
  files: v.array(v.tuple([v.string(), Length, Length, Hex])),
});

/** The index of a layer with these files, as an annotation says it; null when that would be too long. A layer without `frames` is not compressed. */
export async function formatLayerIndex(
  files: readonly TarFile[],
  { bytes: packed, frames }: CompressedLayer,
): Promise<string | null> {
  const places = tarPlaces(files);
  const rows: [string, number, number, string][] = [];
  for (const [index, [path, bytes]] of files.entries())
    rows.push([path, places[index]!, bytes.length, hexOf(await digestOf(bytes))]);
  const pieces: [number, number, string][] = [];
  let from = 0;
  for (const [length, expandedBytes] of frames) {
    pieces.push([length, expandedBytes, hexOf(await digestOf(packed.subarray(from, from + length)))]);
    from += length;
  }
  const text = JSON.stringify({ frames: pieces, files: rows });
  return text.length > MAX_INDEX_CHARACTERS ? null : text;
}

/** Reads an index; null for one that cannot be used: its layer is then read as a whole, like one without. */
export function parseLayerIndex(text: string | undefined): LayerIndex | null {
  if (text === undefined || text.length > MAX_INDEX_CHARACTERS) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // Another tool's annotation of this name.
  }
  const parsed = v.safeParse(IndexText, value);
  if (!parsed.success) return null;
  const files = parsed.output.files.map(([path, at, bytes, hex]) => ({ path, at, bytes, digest: digestOfHex(hex) }));
  const isPlain = files.every(({ path }) => plainPathFault(path) === null);
  if (!isPlain || new Set(files.map(({ path }) => path)).size !== files.length) return null;
  const frames = parsed.output.frames.map(([bytes, expandedBytes, hex]): IndexedFrame => {
    return { bytes, expandedBytes, digest: hex === undefined ? null : digestOfHex(hex) };
  });
  return { frames, files };
}

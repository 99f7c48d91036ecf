import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import {
  CloudletError,
  digestOfHex,
  type IndexedFile,
  type IndexedFrame,
  type LayerIndex,
} from '../../../guest-sdk/protocol/index.ts';

const decompress = promisify(zstdDecompress);

/** Gives bytes of what travels from `start` to before `end`; `urgent`: before all else that is on its way. */
export type RangeReader = (start: number, end: number, urgent: boolean) => Promise<Uint8Array>;

/** A piece of a layer, and where its bytes are: as they travel from the layer's first on, and expanded in the tar. */
interface PlacedFrame {
  readonly frame: IndexedFrame;
  readonly from: number;
  readonly at: number;
}

/** Reads files or pieces of a layer by its index, wherever they are in it. */
export class LayerReader {
  readonly #start: number;
  readonly #read: RangeReader;
  readonly #frames: readonly PlacedFrame[];
  /** The piece that was expanded last: small files share one. */
  #last: { readonly frame: PlacedFrame; readonly bytes: Promise<Uint8Array> } | null = null;

  /** A layer whose first byte is at `start` of what `read` gives. */
  constructor({ frames }: LayerIndex, start: number, read: RangeReader) {
    this.#start = start;
    this.#read = read;
    let [from, at] = [0, 0];
    this.#frames = frames.map((frame) => {
      const placed = { frame, from, at };
      from += frame.bytes;
      at += frame.expandedBytes;
      return placed;
    });
  }

  /** The pieces that have bytes of a file, by their numbers, with where these begin in the piece, and how many they are. */
  piecesOf({
    at,
    bytes,
    path,
  }: IndexedFile): { readonly frame: number; readonly at: number; readonly bytes: number }[] {
    const pieces = this.#frames.flatMap(({ frame, at: begins }, number) => {
      const [from, to] = [Math.max(at, begins), Math.min(at + bytes, begins + frame.expandedBytes)];
      return from < to ? [{ frame: number, at: from - begins, bytes: to - from }] : [];
    });
    const got = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    if (got === bytes) return pieces;
    throw invalid(`pieces with ${bytes} bytes of ${JSON.stringify(path)} from ${at} on, got ${got}`);
  }

  /** What a piece expands to, once its bytes were compared with the digest that the index has of them; `package-invalid` when they are others. */
  async frame(number: number, urgent: boolean): Promise<Uint8Array> {
    return await this.#frame(this.#frames[number]!, urgent);
  }

  /** The bytes at the place of a file, which nobody has compared with its digest. */
  async file(file: IndexedFile, urgent: boolean): Promise<Uint8Array> {
    const { at, bytes } = file;
    if (this.#frames.length === 0) return await this.#read(this.#start + at, this.#start + at + bytes, urgent);
    const whole = new Uint8Array(bytes);
    let filled = 0;
    for (const piece of this.piecesOf(file)) {
      const placed = this.#frames[piece.frame]!;
      const reused = this.#last?.frame === placed && !urgent;
      const expanded = reused ? await this.#last!.bytes : await this.#remembered(placed, urgent);
      whole.set(expanded.subarray(piece.at, piece.at + piece.bytes), filled);
      filled += piece.bytes;
    }
    return whole;
  }

  #remembered(frame: PlacedFrame, urgent: boolean): Promise<Uint8Array> {
    const bytes = this.#frame(frame, urgent);
    bytes.catch(() => {}); // Seen by who asked.
    this.#last = { frame, bytes };
    return bytes;
  }

  async #frame({ frame, from }: PlacedFrame, urgent: boolean): Promise<Uint8Array> {
    const packed = await this.#read(this.#start + from, this.#start + from + frame.bytes, urgent);
    if (frame.digest !== null) {
      const got = digestOfHex(createHash('sha256').update(packed).digest('hex'));
      if (got !== frame.digest) throw invalid(`a piece at ${from} with digest ${frame.digest}, got ${got}`);
    }
    return await expand(packed, frame.expandedBytes);
  }
}

async function expand(packed: Uint8Array, expandedBytes: number): Promise<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: 24 };
  const bytes = await decompress(packed, { params, maxOutputLength: Math.max(1, expandedBytes) }).catch(
    (error: Error) => {
      throw invalid(`a piece of zstd that expands to ${expandedBytes} bytes, got one that does not: ${error.message}`);
    },
  );
  if (bytes.length === expandedBytes) return bytes;
  throw invalid(`a piece that expands to ${expandedBytes} bytes, got ${bytes.length}`);
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `a layer of files, by its index: expected ${expected}; pack it again`);
}

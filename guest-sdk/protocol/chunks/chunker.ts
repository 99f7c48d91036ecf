import { GEAR } from './gear.ts';

/** How long chunks are, bytes: none but the last is shorter than `least`, none is longer than `most`, and most are near `usual`. */
export interface ChunkLengths {
  readonly least: number;
  readonly usual: number;
  readonly most: number;
  /** Before the usual length a chunk ends where these bits are zero, once in four times the usual bytes; after it once in a quarter of them. */
  readonly strict: number;
  readonly lax: number;
}

/** Chunks of long files: their list must stay short. */
export const CHUNK_BYTES: ChunkLengths = {
  ...{ least: 16 * 1024, usual: 64 * 1024, most: 256 * 1024 },
  ...{ strict: 0xffffc000 | 0, lax: 0xfffc0000 | 0 },
};

/** Chunks of files up to `FINE_FILE_BYTES`: a change in a component, which moves what is behind it, touches many places. */
export const FINE_CHUNK_BYTES: ChunkLengths = {
  ...{ least: 1024, usual: 4096, most: 16 * 1024 },
  ...{ strict: 0xfffc0000 | 0, lax: 0xffc00000 | 0 },
};

/** Longest file that is cut finely. */
export const FINE_FILE_BYTES = 4 * 1024 * 1024;

/** How a file of a length is cut: the same wherever that is done. */
export function chunkLengthsFor(fileBytes: number): ChunkLengths {
  return fileBytes <= FINE_FILE_BYTES ? FINE_CHUNK_BYTES : CHUNK_BYTES;
}

/**
 * Says where chunks end, by what the bytes are and not by where they lie (FastCDC): after a change the same chunks are found again behind
 * it. Takes bytes in pieces of any length, which make no difference.
 */
export class Chunker {
  readonly #lengths: ChunkLengths;
  #length = 0;
  #hash = 0;

  constructor(lengths: ChunkLengths = CHUNK_BYTES) {
    this.#lengths = lengths;
  }

  /** The end of the present chunk in `bytes`, looked for from `from` on; -1 when the chunk goes on behind them. */
  cut(bytes: Uint8Array, from: number): number {
    const { least, usual, most, strict, lax } = this.#lengths;
    const start = from + Math.min(Math.max(0, least - this.#length), bytes.length - from);
    const strictEnd = from + Math.min(Math.max(0, usual - this.#length), bytes.length - from);
    const laxEnd = from + Math.min(most - this.#length, bytes.length - from);
    let hash = this.#hash;
    let at = start;
    while (at < strictEnd) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      at += 1;
      if ((hash & strict) === 0) return this.#ended(at);
    }
    while (at < laxEnd) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      at += 1;
      if ((hash & lax) === 0) return this.#ended(at);
    }
    this.#length += bytes.length - from;
    this.#hash = hash;
    return this.#length >= most || at < bytes.length ? this.#ended(at) : -1;
  }

  /** Ends the present chunk here, whatever the bytes are. */
  end(): void {
    this.#ended(0);
  }

  #ended(at: number): number {
    this.#length = 0;
    this.#hash = 0;
    return at;
  }
}

/** The chunks of bytes that come in pieces; each is a copy of its own. Memory: one chunk and one piece. */
export async function* chunksOf(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  lengths: ChunkLengths = CHUNK_BYTES,
): AsyncGenerator<Uint8Array> {
  const chunker = new Chunker(lengths);
  let held: Uint8Array[] = [];
  for await (const piece of pieces) {
    let from = 0;
    for (;;) {
      const end = from < piece.length ? chunker.cut(piece, from) : -1;
      if (end === -1) break;
      held.push(piece.subarray(from, end));
      yield joined(held);
      held = [];
      from = end;
    }
    if (from < piece.length) held.push(piece.slice(from));
  }
  if (held.length > 0) yield joined(held);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

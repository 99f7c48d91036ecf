import { createHash } from 'node:crypto';
import { Chunker, chunkLengthsFor, type Digest, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import type { ComingBlob, ComingChunks } from '../coming-chunks.ts';

/** A chunk of a blob. */
export interface FoundChunk {
  readonly digest: Digest;
  readonly at: number;
  readonly bytes: number;
}

/** The chunks of the blobs of one publish, found while these come. */
export class FoundChunks implements ComingChunks {
  readonly #of = new Map<Digest, readonly FoundChunk[]>();

  /** Those of a blob; undefined when it did not come whole this way. */
  of(blob: Digest): readonly FoundChunk[] | undefined {
    return this.#of.get(blob);
  }

  coming(bytes: number): ComingBlob {
    const finder = new ChunkFinder(bytes);
    return {
      through: (pieces) => finder.through(pieces),
      stored: (blob) => {
        if (finder.found !== null) this.#of.set(blob, finder.found);
      },
    };
  }
}

/** Finds the chunks of one blob in its bytes. */
export class ChunkFinder {
  readonly #bytes: number;
  #found: readonly FoundChunk[] | null = null;

  /** How long the blob is decides how it is cut. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** All of them; null until so many bytes as were said have passed. */
  get found(): readonly FoundChunk[] | null {
    return this.#found;
  }

  /** The same bytes. */
  async *through(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunker = new Chunker(chunkLengthsFor(this.#bytes));
    const chunks: FoundChunk[] = [];
    let hash = createHash('sha256');
    let [at, length] = [0, 0];
    const end = () => {
      chunks.push({ digest: digestOfHex(hash.digest('hex')), at, bytes: length });
      at += length;
      length = 0;
      hash = createHash('sha256');
    };
    for await (const piece of pieces) {
      for (let from = 0; from < piece.length; ) {
        const cut = chunker.cut(piece, from);
        const to = cut === -1 ? piece.length : cut;
        hash.update(piece.subarray(from, to));
        length += to - from;
        from = to;
        if (cut !== -1) end();
      }
      yield piece;
    }
    if (length > 0) end();
    if (at === this.#bytes) this.#found = chunks;
  }
}

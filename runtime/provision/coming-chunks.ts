import type { Digest } from '../../guest-sdk/protocol/index.ts';

/** Who wants to know the chunks of blobs while these come: nobody has to read them again. */
export interface ComingChunks {
  /** A blob of so many bytes begins to come. */
  coming(bytes: number): ComingBlob;
}

/** One blob on its way. */
export interface ComingBlob {
  /** The same bytes, heard. */
  through(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** All of them are in the store, under this digest. */
  stored(blob: Digest): void;
}

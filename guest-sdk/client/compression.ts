import { readWhole } from './transport.ts';

/** How what is sent is compressed: what a platform has differs, as its transport does. */
export interface Compression {
  /** Content coding of `compress`. */
  readonly encoding: 'gzip' | 'zstd';
  /** The pieces as one body; each is complete for a reader as soon as its bytes are there, where the platform can do that. */
  readonly compress: (pieces: readonly Uint8Array[]) => Promise<Uint8Array>;
  /** The same in zstd, with bytes that the reader has, too; null where the platform cannot. */
  readonly withDictionary: ((pieces: readonly Uint8Array[], dictionary: Uint8Array) => Promise<Uint8Array>) | null;
}

/** What every platform has: gzip, no dictionaries. */
export const gzipCompression: Compression = {
  encoding: 'gzip',
  compress: async (pieces) => {
    const stream = new Blob(pieces as Uint8Array<ArrayBuffer>[]).stream().pipeThrough(new CompressionStream('gzip'));
    return readWhole(stream, Number.POSITIVE_INFINITY);
  },
  withDictionary: null,
};

/** Compresses a document unless that makes it no shorter; `encoding` is null then. */
export async function compressed(
  bytes: Uint8Array,
  { encoding, compress }: Compression,
): Promise<{ readonly bytes: Uint8Array; readonly encoding: string | null }> {
  const short = bytes.length < SHORT_BYTES ? bytes : await compress([bytes]);
  return short.length < bytes.length ? { bytes: short, encoding } : { bytes, encoding: null };
}

/** Too short for what a coding saves. */
const SHORT_BYTES = 128;

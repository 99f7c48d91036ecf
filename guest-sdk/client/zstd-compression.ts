/** zstd on Node, with and without dictionaries. A door of its own, because browsers have neither. */
import { constants, createZstdCompress } from 'node:zlib';
import type { Compression } from './compression.ts';

/** Beyond this level components hardly get smaller, and take several times as long. */
const LEVEL = 9;
/** Log2 of how far back bytes are found again: all of a dictionary, and of a batch behind it. */
const WINDOW_LOG = 25;
/** After how many bytes what was compressed is complete for its reader: a link that breaks costs no more. */
const FLUSH_BYTES = 16 * 1024;

/** Compresses with zstd. */
export const zstdCompression: Compression = {
  encoding: 'zstd',
  compress: (pieces) => zstd(pieces, undefined),
  withDictionary: zstd,
};

async function zstd(pieces: readonly Uint8Array[], dictionary: Uint8Array | undefined): Promise<Uint8Array> {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const stream = createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: dictionary === undefined ? Math.min(WINDOW_LOG, windowFor(bytes)) : WINDOW_LOG,
    },
    ...(dictionary === undefined ? {} : { dictionary: dictionary as Uint8Array<ArrayBuffer> }),
  });
  const found: Uint8Array[] = [];
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  stream.on('data', (chunk: Uint8Array) => found.push(chunk));
  stream.on('end', resolve);
  stream.on('error', reject);
  let unflushed = 0;
  for (const piece of pieces) {
    // Told of the end while it holds a piece, Node's encoder ends its frame twice, an empty one behind it.
    await new Promise<void>((written) => void stream.write(piece, () => written()));
    unflushed += piece.length;
    if (unflushed < FLUSH_BYTES) continue;
    unflushed = 0;
    await new Promise<void>((flushed) => {
      stream.flush(constants.ZSTD_e_flush, flushed);
    });
  }
  stream.end();
  await ended;
  return Buffer.concat(found);
}

/** What decoding takes of the reader's memory is the window: no more than there are bytes. */
function windowFor(bytes: number): number {
  return Math.max(17, Math.ceil(Math.log2(Math.max(1, bytes))));
}

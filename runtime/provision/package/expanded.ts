import { pipeline, Readable, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import type { FilesLayer } from '../../../guest-sdk/protocol/index.ts';
import { zstdFrames } from './zstd-frames.ts';

/** How much is expanded at once, bytes: each piece passes a dozen hands. */
const PIECE_BYTES = 256 * 1024;

/** The bytes that compressed ones stand for, as they come: of gzip with any number of members, of zstd with any number of frames. */
export function expanded(
  bytes: AsyncIterable<Uint8Array>,
  compression: FilesLayer['compression'],
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
      return through(bytes, createGunzip({ chunkSize: PIECE_BYTES }));
    case 'zstd':
      // A window of 16 MiB is what zstd uses at its highest usual level; a frame may ask for gigabytes.
      return through(
        zstdFrames(bytes),
        createZstdDecompress({ chunkSize: PIECE_BYTES, params: { [constants.ZSTD_d_windowLogMax]: 24 } }),
      );
    default:
      return compression satisfies never;
  }
}

function through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(source, { objectMode: false }), transform, () => {
    // Whoever reads sees the error, too.
  });
}

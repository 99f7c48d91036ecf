import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { ByteFeed } from './byte-feed.ts';

const FRAME = 0xfd2fb528;
/** Frames of bytes for others, which decoders pass over: sixteen magic numbers. */
const SKIPPABLE = 0x184d2a50;

/** Magic number, descriptor, window, dictionary, size of the content. */
const MAX_HEADER_BYTES = 4 + 1 + 1 + 4 + 8;

const BLOCK_HEADER_BYTES = 3;
/** Longest block by the format (RFC 8878). */
const MAX_BLOCK_BYTES = 128 * 1024;
const CHECKSUM_BYTES = 4;

/**
 * The frames of a zstd stream in pieces of which none goes on after the end of a frame, without what decoders pass over. Node 24's decoder drops
 * what follows a frame in the same piece, without an error. What is no frame, or half a one, is an `Error` that says so.
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const feed = new ByteFeed(source);
  try {
    while ((await feed.peek(1)).length > 0) yield* frame(feed);
  } catch (error) {
    const isCut = error instanceof CloudletError && error.code === 'body-truncated';
    throw isCut ? new Error('expected whole frames of zstd, got the beginning of one', { cause: error }) : error;
  } finally {
    await feed.close();
  }
}

async function* frame(feed: ByteFeed): AsyncGenerator<Uint8Array> {
  const head = viewOf(await feed.peek(MAX_HEADER_BYTES));
  const magic = head.byteLength < 4 ? 0 : head.getUint32(0, true);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    const length = viewOf(await feed.take(8)).getUint32(4, true);
    for await (const _ of feed.stream(length));
    return;
  }
  if (magic !== FRAME) throw new Error(`expected a frame of zstd, got bytes that begin with 0x${magic.toString(16)}`);
  const descriptor = head.byteLength > 4 ? head.getUint8(4) : 0;
  const checksumBytes = (descriptor & 0b100) === 0 ? 0 : CHECKSUM_BYTES;
  yield await feed.take(headerBytes(descriptor));
  for (let isLast = false; !isLast; ) {
    const block = blockHeader(await feed.peek(BLOCK_HEADER_BYTES));
    isLast = block.isLast;
    if (block.bytes > MAX_BLOCK_BYTES)
      throw new Error(`expected blocks of at most ${MAX_BLOCK_BYTES} bytes in a frame of zstd, got ${block.bytes}`);
    yield await feed.take(BLOCK_HEADER_BYTES + block.bytes + (isLast ? checksumBytes : 0));
  }
}

/** How long a frame's header is, by the byte behind its magic number. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b100000) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0b11]!;
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return 4 + 1 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
}

/** What a block's header says; one that is cut says that nothing follows, and cannot be taken. */
function blockHeader(bytes: Uint8Array): { readonly isLast: boolean; readonly bytes: number } {
  if (bytes.length < BLOCK_HEADER_BYTES) return { isLast: true, bytes: 0 };
  const header = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16);
  const isRepeatedByte = ((header >> 1) & 0b11) === 1;
  return { isLast: (header & 1) === 1, bytes: isRepeatedByte ? 1 : header >> 3 };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import {
  CloudletError,
  chunkLengthsFor,
  chunksOf,
  type Digest,
  digestOf,
  MAX_PART_BYTES,
  MAX_PARTS,
  type Part,
  parseTarHeader,
  TAR_BLOCK_BYTES,
} from '../../protocol/index.ts';
import type { Content } from './content.ts';

/** What a device can send, by digest. */
export interface HeldParts {
  /** In the order in which they are the whole; one may be there twice. */
  readonly parts: readonly Part[];
  /** The bytes of one of them. */
  readonly read: (digest: Digest) => Promise<Uint8Array>;
  /** They are compressed already: nobody has to try. */
  readonly isPacked?: boolean;
  /** Whether they are sent together, and compressed unless they are; else each by itself, as they are wanted. */
  readonly inBatches?: boolean;
  /** At which of the parts begins what it can be used without for a while: of a package what follows the component, of an overlay what follows the memory. */
  readonly dataFrom?: number;
}

/** How content is cut. */
export interface CutOptions {
  /** Leaves components whole, but for the length of a part: for when they are compressed with a dictionary. */
  readonly wholeComponents?: boolean;
}

/** Read at once while content is cut. */
const READ_BYTES = 1024 * 1024;

/** Cuts a component or package into parts, the same as another version's where they are alike. Each file of a package is cut by itself. */
export async function cutIntoParts(content: Content, { wholeComponents = false }: CutOptions = {}): Promise<HeldParts> {
  const parts: Part[] = [];
  const places = new Map<Digest, number>();
  let at = 0;
  let dataFrom = 0;
  for await (const piece of tarPieces(content)) {
    const isCode = await isComponent(content, at, piece);
    const isWhole = wholeComponents && isCode;
    const pieces = isWhole ? reading(content, at, at + piece, MAX_PART_BYTES) : reading(content, at, at + piece);
    for await (const chunk of isWhole ? pieces : chunksOf(pieces, chunkLengthsFor(piece))) {
      const digest = await digestOf(chunk);
      if (!places.has(digest)) places.set(digest, at);
      parts.push({ digest, bytes: chunk.length });
      at += chunk.length;
    }
    if (isCode) dataFrom = parts.length;
    if (parts.length > MAX_PARTS)
      throw new CloudletError('body-too-large', `expected content of at most ${MAX_PARTS} parts, got more`);
  }
  const lengths = new Map(parts.map(({ digest, bytes }) => [digest, bytes]));
  return {
    parts,
    ...{ inBatches: true, dataFrom },
    read: async (digest) => {
      const start = places.get(digest);
      if (start === undefined)
        throw new CloudletError('conflict', `expected a part that is at hand to be wanted, got ${digest}`);
      const bytes = await content.slice(start, start + lengths.get(digest)!);
      if ((await digestOf(bytes)) === digest) return bytes;
      throw new CloudletError(
        'conflict',
        'expected the file as it was when the deployment began, but it changed; deploy it again',
      );
    },
  };
}

async function* reading(
  { slice }: Content,
  start: number,
  end: number,
  step: number = READ_BYTES,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += step) yield await slice(at, Math.min(end, at + step));
}

const WASM = [0x00, 0x61, 0x73, 0x6d];

async function isComponent({ slice }: Content, at: number, length: number): Promise<boolean> {
  if (length < WASM.length) return false;
  const magic = await slice(at, at + WASM.length);
  return WASM.every((byte, index) => magic[index] === byte);
}

/** The lengths of a tar's pieces: what is before each file, and the file. All of it is one piece where it is no tar, or no longer one. */
async function* tarPieces({ bytes, slice }: Content): AsyncGenerator<number> {
  let from = 0;
  for (let at = 0; at + TAR_BLOCK_BYTES <= bytes; ) {
    const header = parseTarHeader(await slice(at, at + TAR_BLOCK_BYTES));
    if (header === null || typeof header === 'string') break;
    const start = at + TAR_BLOCK_BYTES;
    if (start + header.size > bytes) break;
    if (header.size > 0) {
      yield start - from;
      yield header.size;
      from = start + header.size;
    }
    at = start + Math.ceil(header.size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
  if (from < bytes) yield bytes - from;
}

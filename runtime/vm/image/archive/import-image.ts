import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { CloudletError, type Digest } from '../../../../guest-sdk/protocol/index.ts';
import { asStorageError } from '../../../store/index.ts';
import { expectConditions } from '../conditions.ts';
import { declaredFiles, type ImageFile } from '../image-files.ts';
import type { VmImageStore } from '../image-store.ts';
import type { VmImage } from '../vm-image.ts';
import { parseVmManifest, vmImageDigest } from '../vm-manifest.ts';
import {
  archiveRefused,
  BLOCK_BYTES,
  checkedManifest,
  DECOMPRESSION,
  END,
  HEAD_BYTES,
  manifestLength,
} from './archive-format.ts';
import { ByteReader } from './byte-reader.ts';
import { expectPlainLayers } from './plain-layers.ts';

/** How an image is imported. */
export interface ImportOptions {
  /** The image that it must be: anything else is refused. Default: whatever the file holds. */
  readonly expected?: Digest;
  /** What it must be; default: either. */
  readonly kind?: VmImage['kind'];
  /** Told how many of the archive's bytes were read. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Imports the archive in a file; see `importImage`. */
export async function importImageFile(
  store: VmImageStore,
  path: string,
  options: ImportOptions = {},
): Promise<VmImage> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new CloudletError('request-invalid', `${path} cannot be read (${error.code})`, { cause: error });
  });
  return importImage(store, createReadStream('', { fd: file, highWaterMark: 256 * 1024 }), options);
}

/**
 * Puts the image in an archive into the store. Refused, and nothing is left: one that is torn or changed, that fits its own digests
 * not or whose disk needs another file (`image-refused`), that was saved for another computer (`conditions-differ`), whose base is not here (`base-unknown`), or for which the
 * disk or the budget has no room (`storage-full`).
 */
export async function importImage(
  store: VmImageStore,
  archive: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<VmImage> {
  const reader = new ByteReader(counted(archive, options));
  try {
    const head = await reader.read(HEAD_BYTES);
    const text = checkedManifest(head, await reader.read(manifestLength(head)));
    const [manifest, digest] = [parseVmManifest(text), vmImageDigest(text)];
    if (options.expected !== undefined && options.expected !== digest) {
      throw archiveRefused(`expected ${options.expected}, it holds ${digest}`);
    }
    if (options.kind !== undefined && options.kind !== manifest.kind) {
      throw archiveRefused(`expected a ${options.kind} VM, it holds a ${manifest.kind} VM`);
    }
    expectConditions(manifest.conditions, await store.computer());
    const known = await store.find(digest, options.signal);
    if (known !== null) return known;
    const { layers, conditions } = manifest;
    const draft = await store.draft({ memoryMib: conditions.memoryMib, layers: layers.map(({ format }) => format) });
    try {
      await unpack(reader, declaredFiles(draft.directory, manifest), store.budgetBytes, options.signal);
      await expectPlainLayers(draft.directory, manifest);
      return await draft.adopt(text, options.signal);
    } finally {
      await draft.discard();
    }
  } finally {
    await reader.close();
  }
}

async function* counted(
  archive: AsyncIterable<Uint8Array>,
  { onProgress, signal }: ImportOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of archive) {
    signal?.throwIfAborted();
    done += chunk.length;
    onProgress?.(done);
    yield chunk;
  }
}

async function unpack(
  compressed: ByteReader,
  files: readonly ImageFile[],
  budgetBytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const plain = createZstdDecompress(DECOMPRESSION);
  let fed = 0;
  const feed = async function* () {
    for await (const chunk of compressed.remaining()) {
      fed += chunk.length;
      yield chunk;
    }
  };
  // It destroys `plain` with its error, so that whoever reads is told; nobody else need be.
  plain.on('error', () => undefined);
  const feeding = pipeline(feed, plain).catch((error: unknown) => error);
  const reader = new ByteReader(plain);
  try {
    let written = 0;
    for (const file of files) written += await unpackFile(reader, file, budgetBytes - written, signal);
    // Of what follows a frame zstd says nothing when it came in the same piece.
    if (!(await reader.isAtEnd()) || (await feeding) !== undefined || plain.bytesWritten !== fed) {
      throw archiveRefused('something follows its last file');
    }
  } catch (error) {
    throw isZstdError(error) ? archiveRefused('it is torn', error) : asStorageError(error);
  } finally {
    plain.destroy();
    await feeding;
  }
}

/** Fills one file of a draft, and gives how many bytes of it are not zeros. */
async function unpackFile(
  reader: ByteReader,
  { name, path, bytes }: ImageFile,
  most: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const blocks = Math.ceil(bytes / BLOCK_BYTES);
  const file = await open(path, 'r+');
  try {
    await file.truncate(bytes);
    let written = 0;
    for (let last = -1; ; ) {
      signal?.throwIfAborted();
      const number = (await reader.read(4)).readUInt32BE();
      if (number === END) return written;
      if (number <= last || number >= blocks) throw archiveRefused(`block ${number} of its ${name} is out of place`);
      const block = await reader.read(Math.min(BLOCK_BYTES, bytes - number * BLOCK_BYTES));
      written += block.length;
      if (written > most) throw archiveRefused(`it holds more than saved VMs may take on this computer`);
      await file.write(block, 0, block.length, number * BLOCK_BYTES);
      last = number;
    }
  } finally {
    await file.close();
  }
}

function isZstdError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (code.startsWith('ZSTD_') || code === 'Z_BUF_ERROR');
}

import { type FileHandle, open } from 'node:fs/promises';
import { asCloudletError, CloudletError, type Digest } from '../../../guest-sdk/protocol/index.ts';
import { ByteFeed } from '../../provision/package/byte-feed.ts';
import { expanded } from '../../provision/package/expanded.ts';
import { readTar } from '../../provision/package/tar-reader.ts';
import type { BlobStore, PageBlob } from '../../store/index.ts';
import { readZip } from './zip-reader.ts';

/** What a web application may unpack to. */
export interface WebLimits {
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
}

/** Files of one web application, and their bytes: each is a row and a file of the cloudlet. */
export const WEB_LIMITS: WebLimits = { files: 2000, bytes: 256 * 1024 * 1024 };

/** The files of a web application in the blob store, held there until `release`. */
export interface UnpackedPages {
  readonly pages: ReadonlyMap<string, PageBlob>;
  release(): void;
}

interface ArchivedFile {
  readonly path: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Unpacks a tar (plain, gzip or zstd) or a zip, told from its first bytes, into blobs. `package-invalid` for links, paths that leave,
 * more than the limits whatever the archive says of itself, and an archive without `index.html`; then nothing is held.
 */
export async function unpackPages(
  blobs: BlobStore,
  archive: Digest,
  limits: WebLimits = WEB_LIMITS,
  signal?: AbortSignal,
): Promise<UnpackedPages> {
  const pages = new Map<string, PageBlob>();
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const each of releases.splice(0)) each();
  };
  const handle = await open(blobs.path(archive), 'r');
  try {
    for await (const file of archivedFiles(handle, limits)) {
      if (pages.size === limits.files) throw invalid(`at most ${limits.files} files, got more`);
      const blob = await blobs.write(file.bytes, { limitBytes: file.size, expectedBytes: file.size, signal });
      releases.push(blob.release);
      pages.set(file.path, { digest: blob.digest, bytes: blob.sizeBytes });
    }
    if (!pages.has('index.html')) throw invalid('index.html at its top, got none');
    return { pages, release };
  } catch (error) {
    release();
    throw error;
  } finally {
    await handle.close();
  }
}

async function* archivedFiles(handle: FileHandle, limits: WebLimits): AsyncGenerator<ArchivedFile> {
  const { buffer } = await handle.read(new Uint8Array(4), 0, 4, 0);
  const magic = Buffer.from(buffer).toString('hex');
  if (magic.startsWith('504b')) return yield* readZip(handle, limits);
  const feed = new ByteFeed(bounded(tarBytes(handle, magic), limits));
  try {
    yield* readTar(feed, { what: 'the web application', entries: limits.files * 2, bytes: limits.bytes });
  } finally {
    await feed.close();
  }
}

function tarBytes(handle: FileHandle, magic: string): AsyncIterable<Uint8Array> {
  const file = handle.createReadStream({ start: 0, autoClose: false });
  if (magic.startsWith('1f8b')) return expanded(file, 'gzip');
  return expanded(file, magic === '28b52ffd' ? 'zstd' : 'none');
}

/** The same bytes until they are more than any application may have: a few kilobytes can stand for gigabytes. */
async function* bounded(bytes: AsyncIterable<Uint8Array>, limits: WebLimits): AsyncGenerator<Uint8Array> {
  const most = limits.bytes + limits.files * 4096;
  let total = 0;
  try {
    for await (const chunk of bytes) {
      total += chunk.length;
      if (total > most) throw invalid(`at most ${most} bytes unpacked, got more`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw new CloudletError(
      'package-invalid',
      `the web application cannot be unpacked: ${asCloudletError(error).message}`,
      {
        cause: error,
      },
    );
  }
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `the web application: expected ${expected}`);
}

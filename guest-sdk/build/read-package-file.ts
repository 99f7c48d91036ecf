import { createReadStream } from 'node:fs';
import {
  blobsInMemory,
  CloudletError,
  type Digest,
  digestOf,
  digestOfHex,
  layoutOf,
  MEDIA_TYPES,
  parsePackageJson,
  parseTarHeader,
  type ReadPackage,
  readLayout,
  readManifest,
  TAR_BLOCK_BYTES,
  verifySignature,
} from '../protocol/index.ts';
import { openFile } from './open-file.ts';
import type { SignablePackage } from './pack.ts';

/** A package in a file, checked. */
export interface OpenedPackage extends Pick<ReadPackage, 'component' | 'grant' | 'layers' | 'annotations'> {
  readonly written: SignablePackage;
  /** Fingerprints of the keys that signed it. */
  readonly signers: readonly string[];
}

/** What a package may be here; a host takes less. */
const MAX_PACKAGE_BYTES = 256 * 1024 * 1024;
const MAX_ENTRIES = 128;

/** Whether a file is a tar, as packages are. */
export async function isPackageFile(path: string): Promise<boolean> {
  const file = await openFile(path);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(TAR_BLOCK_BYTES), 0, TAR_BLOCK_BYTES, 0);
    const header = bytesRead === TAR_BLOCK_BYTES ? parseTarHeader(buffer) : null;
    return header !== null && typeof header !== 'string';
  } catch {
    return false; // It is a folder, or cannot be read: whoever reads it says so.
  } finally {
    await file.close();
  }
}

/** Reads a package from a file, and compares every part with its digest; `package-invalid`, `grant-invalid` or `signature-invalid` says what is wrong. */
export async function readPackageFile(path: string): Promise<OpenedPackage> {
  return await readPackageBytes(createReadStream(path) as AsyncIterable<Uint8Array>, path);
}

/** The same of the bytes of a package that came from elsewhere; `path` is what errors call it. */
export async function readPackageBytes(
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  path: string,
): Promise<OpenedPackage> {
  try {
    return await read(bytes, path);
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'body-truncated') throw error;
    throw new CloudletError(
      'package-invalid',
      `expected a whole package in ${path}, its end is missing; make it again`,
      {
        cause: error,
      },
    );
  }
}

async function read(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, path: string): Promise<OpenedPackage> {
  const { ByteFeed, readTar } = await import('../../runtime/index.ts');
  const feed = new ByteFeed(each(pieces));
  const documents = new Map<string, unknown>();
  const blobs = new Map<Digest, Uint8Array>();
  const limits = { what: path, entries: MAX_ENTRIES, bytes: MAX_PACKAGE_BYTES };
  for await (const entry of readTar(feed, limits)) {
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(entry.path)?.[1];
    if (hex === undefined && entry.path !== 'oci-layout' && entry.path !== 'index.json') continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of entry.bytes) pieces.push(piece);
    const bytes = new Uint8Array(Buffer.concat(pieces));
    if (hex === undefined) {
      documents.set(entry.path, parsePackageJson(bytes, entry.path));
      continue;
    }
    const digest = digestOfHex(hex);
    const got = await digestOf(bytes);
    if (got !== digest)
      throw new CloudletError('package-invalid', `${path}: expected a blob with digest ${digest}, got one with ${got}`);
    blobs.set(digest, bytes);
  }
  return await openPackage(documents, blobs);
}

/** Checks a package whose parts are in memory, as one that was pulled. */
export async function checkPackage(written: SignablePackage): Promise<OpenedPackage> {
  const subject = { digest: written.digest, bytes: written.manifest };
  const signatures = await Promise.all(written.signatures.map((each) => verifySignature(each, subject)));
  const source = blobsInMemory(written.blobs);
  const named = { mediaType: MEDIA_TYPES.manifest, digest: written.digest, size: written.manifest.length };
  const { component, grant, layers, annotations } = await readManifest(named, source, LIMITS);
  return { component, grant, layers, annotations, written, signers: signatures.map(({ fingerprint }) => fingerprint) };
}

const LIMITS = { componentBytes: MAX_PACKAGE_BYTES, packageBytes: MAX_PACKAGE_BYTES };

async function openPackage(
  documents: ReadonlyMap<string, unknown>,
  all: ReadonlyMap<Digest, Uint8Array>,
): Promise<OpenedPackage> {
  const { digest, manifest, blobs, signatures } = await readLayout(documents, blobsInMemory(all), LIMITS);
  const own = new Map(blobs.map((each) => [each, all.get(each)!]));
  return await checkPackage(await layoutOf({ digest, bytes: manifest }, own, signatures));
}

async function* each(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

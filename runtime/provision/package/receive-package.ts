import {
  type BlobSource,
  CloudletError,
  compressionOf,
  type DescribedLayer,
  type Digest,
  digestOfHex,
  MAX_PACKAGE_JSON_BYTES,
  type PackageLimits,
  packageOfIndex,
  parsePackageJson,
  parsePackageManifest,
  readLayout,
  type VerifiedSignature,
  verifySignature,
} from '../../../guest-sdk/protocol/index.ts';
import type { BlobStore, WrittenBlob } from '../../store/index.ts';
import { isWebAssembly } from '../watched-body.ts';
import type { ByteFeed } from './byte-feed.ts';
import type { StoredPackage } from './stored-package.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** A package whose parts are in the blob store, held there until `release`. */
export interface ReceivedPackage {
  /** Of its manifest: the package's name. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly stored: StoredPackage;
  /** The blobs that it is made of. */
  readonly blobs: readonly Digest[];
  readonly signatures: readonly VerifiedSignature[];
  release(): void;
}

/** A package of which only the layers of files may still be on their way, and what is in these. */
export interface DescribedPackage extends ReceivedPackage {
  readonly stored: StoredPackage & { readonly layers: readonly DescribedLayer[] };
}

/** Entries of the tar of a package: its layout has a handful. */
const MAX_ENTRIES = 128;

const BLOB_PATH = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * Takes an OCI image layout in a tar: each blob is hashed on its way to the store and compared with its name, and the manifest is read
 * when all are here, since tools put them in any order. `package-invalid`, or `signature-invalid`, says what is wrong;
 * then nothing is held any more.
 * `arrived` is told of a blob that is WebAssembly as soon as it is whole, whatever still comes; `described`, and waited for, when all but the layers of
 * files is here, if it comes in that order: `start` is where the first layer begins in the body.
 */
export async function receivePackage(
  feed: ByteFeed,
  blobs: BlobStore,
  limits: PackageLimits,
  signal: AbortSignal | undefined,
  arrived: (component: Digest) => void = () => undefined,
  described?: (packed: DescribedPackage, start: number) => Promise<void>,
): Promise<ReceivedPackage> {
  const written = new Map<Digest, WrittenBlob>();
  const release = (): void => {
    for (const blob of written.values()) blob.release();
  };
  try {
    const documents = new Map<string, unknown>();
    let isDescribed = false;
    for await (const entry of readTar(feed, {
      what: 'the package',
      entries: MAX_ENTRIES,
      bytes: limits.packageBytes,
    })) {
      const hex = BLOB_PATH.exec(entry.path)?.[1];
      if (hex !== undefined) {
        const named = digestOfHex(hex);
        if (described !== undefined && !isDescribed) {
          const packed = await describedSoFar(documents, written, named, blobs, limits);
          if (packed !== null) {
            isDescribed = true;
            await described({ ...packed, release }, feed.takenBytes);
          }
        }
        const isComponent = isWebAssembly(await feed.peek(4));
        const blob = await blobs.write(entry.bytes, { limitBytes: entry.size, signal });
        if (blob.digest !== named) {
          // Not among the others: it may be one of them a second time, which is held twice.
          blob.release();
          throw invalid(`expected a blob with digest ${named}, got bytes with digest ${blob.digest}`);
        }
        written.set(blob.digest, blob);
        if (isComponent) arrived(blob.digest);
      } else if (entry.path === 'oci-layout' || entry.path === 'index.json') {
        documents.set(entry.path, await jsonOf(entry));
      }
    }
    const source = {
      sizeOf: (digest: Digest) => written.get(digest)?.sizeBytes,
      read: (digest: Digest) => blobs.read(digest),
    };
    return { ...(await readPackage(documents, source, limits)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function readPackage(
  documents: ReadonlyMap<string, unknown>,
  source: BlobSource,
  limits: PackageLimits,
): Promise<Omit<DescribedPackage, 'release'>> {
  const { digest, sizeBytes, manifest, component, grant, layers, blobs, ...read } = await readLayout(
    documents,
    source,
    limits,
  );
  const signatures: VerifiedSignature[] = [];
  for (const each of read.signatures) signatures.push(await verifySignature(each, { digest, bytes: manifest }));
  return { digest, sizeBytes, stored: { component, grant, layers }, blobs, signatures };
}

/** What a package is when `next` is its first layer of files and all else is here; null when it is not, or is not as it should be: what that is, is told when all is here. */
async function describedSoFar(
  documents: ReadonlyMap<string, unknown>,
  written: ReadonlyMap<Digest, WrittenBlob>,
  next: Digest,
  blobs: BlobStore,
  limits: PackageLimits,
): Promise<Omit<DescribedPackage, 'release'> | null> {
  const named = packageOfIndex(documents.get('index.json'));
  if (named === undefined || !written.has(named.digest)) return null;
  try {
    const { layers } = parsePackageManifest(await blobs.read(named.digest));
    const coming = new Map(
      layers.flatMap(({ digest, size, mediaType }) =>
        compressionOf(mediaType) === undefined ? [] : [[digest, size] as const],
      ),
    );
    if (!coming.has(next) || [...coming.keys()].some((digest) => written.has(digest))) return null;
    const source = {
      sizeOf: (digest: Digest) => written.get(digest)?.sizeBytes ?? coming.get(digest),
      read: (digest: Digest) => blobs.read(digest),
    };
    return await readPackage(documents, source, limits);
  } catch (error) {
    if (error instanceof CloudletError) return null;
    throw error;
  }
}

async function jsonOf({ path, size, bytes }: TarEntry): Promise<unknown> {
  if (size > MAX_PACKAGE_JSON_BYTES)
    throw invalid(`expected ${path} of at most ${MAX_PACKAGE_JSON_BYTES} bytes, got ${size}`);
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return parsePackageJson(Buffer.concat(parts), path);
}

function invalid(sentence: string): CloudletError {
  return new CloudletError('package-invalid', sentence);
}

import {
  type BlobSource,
  CloudletError,
  compressionOf,
  type DescribedLayer,
  type Digest,
  digestOfHex,
  type FilesLayer,
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
import type { ComingChunks } from '../coming-chunks.ts';
import { isWebAssembly } from '../watched-body.ts';
import type { ByteFeed } from './byte-feed.ts';
import { type CameBefore, ComingLayers } from './coming-layers.ts';
import type { StoredPackage } from './stored-package.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** A package whose parts are in the blob store, held there until `release`. */
export interface ReceivedPackage {
  /** What is in its layers, as far as these were seen as they came. */
  readonly layers?: ComingLayers;
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

/** Who follows a package that comes. */
export interface PackageFollower {
  /** Told of a blob that is WebAssembly as soon as it is whole, whatever still comes. */
  readonly arrived?: ((component: Digest) => void) | undefined;
  /**
   * Told, and waited for, when all but the layers of files is here, if it comes in that order: `start` is where the first layer begins in the body. Gives files of
   * the layers that came meanwhile, which these are compared with.
   */
  readonly described?: ((packed: DescribedPackage, start: number) => Promise<CameBefore | null>) | undefined;
  /** Hears each blob on its way to the store. */
  readonly chunks?: ComingChunks | undefined;
}

/** Entries of the tar of a package: its layout has a handful. */
const MAX_ENTRIES = 128;

const BLOB_PATH = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * Takes an OCI image layout in a tar: each blob is hashed on its way to the store and compared with its name, and the manifest is read
 * when all are here, since tools put them in any order. `package-invalid`, or `signature-invalid`, says what is wrong;
 * then nothing is held any more. Layers behind the manifest are listed while they come.
 */
export async function receivePackage(
  feed: ByteFeed,
  blobs: BlobStore,
  limits: PackageLimits,
  signal: AbortSignal | undefined,
  { arrived, described, chunks }: PackageFollower = {},
): Promise<ReceivedPackage> {
  const written = new Map<Digest, WrittenBlob>();
  const release = (): void => {
    for (const blob of written.values()) blob.release();
  };
  try {
    const documents = new Map<string, unknown>();
    const layers = new ComingLayers();
    let known: ReadonlyMap<Digest, FilesLayer['compression']> | null = null;
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
            const came = await described({ ...packed, release }, feed.takenBytes);
            if (came !== null) layers.compare(came);
          }
        }
        const isComponent = isWebAssembly(await feed.peek(4));
        known ??= await layersSoFar(documents, written, blobs);
        const compression = known?.get(named);
        const coming = chunks?.coming(entry.size);
        let { bytes } = entry;
        if (coming !== undefined) bytes = coming.through(bytes);
        if (compression !== undefined) bytes = layers.through({ digest: named, compression }, bytes);
        const blob = await blobs.write(bytes, { limitBytes: entry.size, signal });
        if (blob.digest !== named) {
          // Not among the others: it may be one of them a second time, which is held twice.
          blob.release();
          throw invalid(`expected a blob with digest ${named}, got bytes with digest ${blob.digest}`);
        }
        written.set(blob.digest, blob);
        coming?.stored(blob.digest);
        if (isComponent) arrived?.(blob.digest);
      } else if (entry.path === 'oci-layout' || entry.path === 'index.json') {
        documents.set(entry.path, await jsonOf(entry));
      }
    }
    const source = {
      sizeOf: (digest: Digest) => written.get(digest)?.sizeBytes,
      read: (digest: Digest) => blobs.read(digest),
    };
    return { ...(await readPackage(documents, source, limits)), layers, release };
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

/** The layers of files of a package whose manifest is here, by what they are compressed with; null when it is not, or not as it should be. */
async function layersSoFar(
  documents: ReadonlyMap<string, unknown>,
  written: ReadonlyMap<Digest, WrittenBlob>,
  blobs: BlobStore,
): Promise<ReadonlyMap<Digest, FilesLayer['compression']> | null> {
  const named = packageOfIndex(documents.get('index.json'));
  if (named === undefined || !written.has(named.digest)) return null;
  try {
    const { layers } = parsePackageManifest(await blobs.read(named.digest));
    return new Map(
      layers.flatMap(({ digest, mediaType }) => {
        const compression = compressionOf(mediaType);
        return compression === undefined ? [] : [[digest, compression] as const];
      }),
    );
  } catch (error) {
    if (error instanceof CloudletError) return new Map();
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

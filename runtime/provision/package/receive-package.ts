import {
  CloudletError,
  type Digest,
  digestOfHex,
  MAX_PACKAGE_JSON_BYTES,
  type PackageLimits,
  parsePackageJson,
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

/** Entries of the tar of a package: its layout has a handful. */
const MAX_ENTRIES = 128;

const BLOB_PATH = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * Takes an OCI image layout in a tar: each blob is hashed on its way to the store and compared with its name, and the manifest is read
 * when all are here, since tools put them in any order. `package-invalid`, or `signature-invalid`, says what is wrong;
 * then nothing is held any more.
 * `arrived` is told of a blob that is WebAssembly as soon as it is whole, whatever still comes.
 */
export async function receivePackage(
  feed: ByteFeed,
  blobs: BlobStore,
  limits: PackageLimits,
  signal: AbortSignal | undefined,
  arrived: (component: Digest) => void = () => undefined,
): Promise<ReceivedPackage> {
  const written = new Map<Digest, WrittenBlob>();
  const release = (): void => {
    for (const blob of written.values()) blob.release();
  };
  try {
    const documents = new Map<string, unknown>();
    for await (const entry of readTar(feed, {
      what: 'the package',
      entries: MAX_ENTRIES,
      bytes: limits.packageBytes,
    })) {
      const hex = BLOB_PATH.exec(entry.path)?.[1];
      if (hex !== undefined) {
        const named = digestOfHex(hex);
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
    const read = await readLayout(documents, source, limits);
    const { digest, manifest, component, grant, layers } = read;
    const signatures: VerifiedSignature[] = [];
    for (const each of read.signatures) signatures.push(await verifySignature(each, { digest, bytes: manifest }));
    const stored = { component, grant, layers };
    return { digest, sizeBytes: read.sizeBytes, stored, blobs: read.blobs, signatures, release };
  } catch (error) {
    release();
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

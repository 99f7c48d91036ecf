import type * as v from 'valibot';
import {
  CloudletError,
  compressionOf,
  type Descriptor,
  type Digest,
  digestOfHex,
  GrantRequest,
  IndexFile,
  LayoutFile,
  MEDIA_TYPES,
  PackageManifest,
  parseGrant,
  strictParse,
} from '../../../guest-sdk/protocol/index.ts';
import type { BlobStore, WrittenBlob } from '../../store/index.ts';
import type { ByteFeed } from './byte-feed.ts';
import type { StoredPackage } from './stored-package.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** What a package may be. */
export interface PackageLimits {
  readonly componentBytes: number;
  /** Of all its parts together. */
  readonly packageBytes: number;
}

/** A package whose parts are in the blob store, held there until `release`. */
export interface ReceivedPackage {
  /** Of its manifest: the package's name. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly stored: StoredPackage;
  /** The blobs that it is made of. */
  readonly blobs: readonly Digest[];
  release(): void;
}

/** Entries of the tar of a package: its layout has a handful. */
const MAX_ENTRIES = 128;

/** Longest of the JSON documents in a package, bytes. */
const MAX_JSON_BYTES = 512 * 1024;

/** How all WebAssembly begins. */
const WASM = Buffer.from('\0asm');

const BLOB_PATH = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * Takes an OCI image layout in a tar: each blob is hashed on its way to the store and compared with its name, and the manifest is read
 * when all are here, since tools put them in any order. `package-invalid` says what is wrong; then nothing is held any more.
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
        const isComponent = Buffer.compare(await feed.peek(WASM.length), WASM) === 0;
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
    const digestOf = await assemble(documents, written, blobs, limits);
    return { ...digestOf, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function assemble(
  documents: ReadonlyMap<string, unknown>,
  written: ReadonlyMap<Digest, WrittenBlob>,
  blobs: BlobStore,
  limits: PackageLimits,
): Promise<Omit<ReceivedPackage, 'release'>> {
  document(LayoutFile, documents.get('oci-layout'), 'oci-layout');
  const [named] = document(IndexFile, documents.get('index.json'), 'index.json').manifests;
  if (named!.mediaType !== MEDIA_TYPES.manifest)
    throw wrongType('the manifest', [MEDIA_TYPES.manifest], named!.mediaType);
  const parts = new Set<Digest>();
  const part = (descriptor: Descriptor, what: string, mostBytes: number): Descriptor => {
    const blob = written.get(descriptor.digest);
    if (blob === undefined) throw invalid(`expected ${what} as blobs/sha256/${descriptor.digest.slice(7)}, got none`);
    if (blob.sizeBytes !== descriptor.size)
      throw invalid(`expected ${what} of ${descriptor.size} bytes, got ${blob.sizeBytes}`);
    if (descriptor.size > mostBytes)
      throw invalid(`expected ${what} of at most ${mostBytes} bytes, got ${descriptor.size}`);
    parts.add(descriptor.digest);
    return descriptor;
  };
  const json = async (descriptor: Descriptor, what: string): Promise<unknown> =>
    parseJson(await blobs.read(part(descriptor, what, MAX_JSON_BYTES).digest), what);

  const manifest = document(PackageManifest, await json(named!, 'the manifest'), 'the manifest');
  part(manifest.config, 'the config', MAX_JSON_BYTES);
  if (manifest.config.mediaType !== MEDIA_TYPES.config)
    throw wrongType('the config', [MEDIA_TYPES.config], manifest.config.mediaType);
  const component = onlyOne(manifest, MEDIA_TYPES.component, 'component');
  if (component === undefined) throw invalid(`expected a layer ${MEDIA_TYPES.component}, got none`);
  part(component, 'the component', limits.componentBytes);
  const grantLayer = onlyOne(manifest, MEDIA_TYPES.grant, 'grant');
  const grant = grantLayer === undefined ? {} : await json(grantLayer, 'the grant');
  parseGrant(grant, 'the grant');
  const layers = manifest.layers.flatMap((layer) => {
    if (layer === component || layer === grantLayer) return [];
    const compression = compressionOf(layer.mediaType);
    if (compression === undefined) {
      const known = [
        MEDIA_TYPES.component,
        MEDIA_TYPES.grant,
        MEDIA_TYPES.files,
        MEDIA_TYPES.filesGzip,
        MEDIA_TYPES.filesZstd,
      ];
      throw wrongType('a layer', known, layer.mediaType);
    }
    const { digest, size } = part(layer, 'a layer of files', limits.packageBytes);
    return [{ digest, sizeBytes: size, compression }];
  });
  return {
    digest: named!.digest,
    sizeBytes: [...parts].reduce((sum, digest) => sum + written.get(digest)!.sizeBytes, 0),
    blobs: [...parts],
    stored: {
      component: { digest: component.digest, sizeBytes: component.size },
      grant: strictParse(GrantRequest, grant, 'the grant', 'grant-invalid'),
      layers,
    },
  };
}

function onlyOne({ layers }: PackageManifest, mediaType: string, what: string): Descriptor | undefined {
  const found = layers.filter((layer) => layer.mediaType === mediaType);
  if (found.length > 1) throw invalid(`expected one ${what}, got ${found.length}`);
  return found[0];
}

async function jsonOf({ path, size, bytes }: TarEntry): Promise<unknown> {
  if (size > MAX_JSON_BYTES) throw invalid(`expected ${path} of at most ${MAX_JSON_BYTES} bytes, got ${size}`);
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return parseJson(Buffer.concat(parts), path);
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CloudletError('package-invalid', `expected ${what} as JSON, got ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function document<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  if (value === undefined) throw invalid(`expected an OCI image layout in a tar, got one without ${what}`);
  return strictParse(schema, value, what, 'package-invalid');
}

function wrongType(what: string, expected: readonly string[], got: string): CloudletError {
  return invalid(`expected ${what} to be ${expected.join(' or ')}, got ${JSON.stringify(got.slice(0, 100))}`);
}

function invalid(sentence: string): CloudletError {
  return new CloudletError('package-invalid', sentence);
}

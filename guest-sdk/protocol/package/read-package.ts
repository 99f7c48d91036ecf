import type * as v from 'valibot';
import type { Digest } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { GrantRequest, parseGrant, strictParse } from '../grant/index.ts';
import type { BlobSource } from './blob-source.ts';
import { parsePackageJson } from './blob-source.ts';
import { type LayerIndex, parseLayerIndex } from './layer-index.ts';
import {
  type Annotations,
  compressionOf,
  type Descriptor,
  IndexFile,
  LayoutFile,
  PackageManifest,
} from './manifest.ts';
import { ANNOTATIONS, MEDIA_TYPES } from './media-types.ts';
import { type PackageSignature, readSignature } from './signature-manifest.ts';

/** What a package may be. */
export interface PackageLimits {
  readonly componentBytes: number;
  /** Of all its parts together. */
  readonly packageBytes: number;
}

/** A layer of files, by its blob. */
export interface FilesLayer {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/** A layer of files as its package describes it. */
export interface DescribedLayer extends FilesLayer {
  /** What is in it and where, as its publisher says; null when nobody does. */
  readonly index: LayerIndex | null;
}

/** What a package says of itself. */
export interface ReadPackage {
  /** Of its manifest: the package's name. */
  readonly digest: Digest;
  readonly manifest: Uint8Array;
  /** Of all its parts, each once. */
  readonly sizeBytes: number;
  /** What it is made of, the manifest first. */
  readonly blobs: readonly Digest[];
  readonly component: { readonly digest: Digest; readonly sizeBytes: number };
  readonly grant: GrantRequest;
  readonly layers: readonly DescribedLayer[];
  readonly annotations: Annotations;
}

/** Longest of the JSON documents in a package, bytes. */
export const MAX_PACKAGE_JSON_BYTES = 512 * 1024;

/**
 * Reads a layout: its documents `oci-layout` and `index.json` by name, and its blobs. The one manifest that is no signature is the
 * package's. `package-invalid` or `grant-invalid` says what is wrong; signatures are read, and not yet checked.
 */
export async function readLayout(
  documents: ReadonlyMap<string, unknown>,
  source: BlobSource,
  limits: PackageLimits,
): Promise<ReadPackage & { readonly signatures: readonly PackageSignature[] }> {
  document(LayoutFile, documents.get('oci-layout'), 'oci-layout');
  const { manifests } = document(IndexFile, documents.get('index.json'), 'index.json');
  const [named, ...others] = manifests.filter(({ artifactType }) => artifactType !== MEDIA_TYPES.signature);
  if (named === undefined || others.length > 0)
    throw invalid(`expected an index with one manifest, got ${others.length + (named === undefined ? 0 : 1)}`);
  const read = await readManifest(named, source, limits);
  const signatures: PackageSignature[] = [];
  for (const each of manifests.filter(({ artifactType }) => artifactType === MEDIA_TYPES.signature))
    signatures.push(await readSignature(await json(source, each, 'the manifest of a signature'), source));
  return { ...read, signatures };
}

/** Reads a package by its manifest, checking that its parts are there; errors as `readLayout`. */
export async function readManifest(named: Descriptor, source: BlobSource, limits: PackageLimits): Promise<ReadPackage> {
  if (named.mediaType !== MEDIA_TYPES.manifest)
    throw wrongType('the manifest', [MEDIA_TYPES.manifest], named.mediaType);
  const parts = new Map<Digest, number>();
  const part = async (descriptor: Descriptor, what: string, mostBytes: number): Promise<Descriptor> => {
    const size = await source.sizeOf(descriptor.digest);
    if (size === undefined) throw invalid(`expected ${what} as blobs/sha256/${descriptor.digest.slice(7)}, got none`);
    if (size !== descriptor.size) throw invalid(`expected ${what} of ${descriptor.size} bytes, got ${size}`);
    if (size > mostBytes) throw invalid(`expected ${what} of at most ${mostBytes} bytes, got ${size}`);
    parts.set(descriptor.digest, size);
    return descriptor;
  };
  const bytes = await source.read((await part(named, 'the manifest', MAX_PACKAGE_JSON_BYTES)).digest);
  const manifest = parsePackageManifest(bytes);
  if (manifest.config.mediaType !== MEDIA_TYPES.config)
    throw wrongType('the config', [MEDIA_TYPES.config], manifest.config.mediaType);
  await part(manifest.config, 'the config', MAX_PACKAGE_JSON_BYTES);
  const component = onlyOne(manifest, MEDIA_TYPES.component, 'component');
  if (component === undefined) throw invalid(`expected a layer ${MEDIA_TYPES.component}, got none`);
  await part(component, 'the component', limits.componentBytes);
  const grantLayer = onlyOne(manifest, MEDIA_TYPES.grant, 'grant');
  const grant =
    grantLayer === undefined
      ? {}
      : parsePackageJson(
          await source.read((await part(grantLayer, 'the grant', MAX_PACKAGE_JSON_BYTES)).digest),
          'the grant',
        );
  parseGrant(grant, 'the grant');
  const layers: DescribedLayer[] = [];
  for (const layer of manifest.layers) {
    if (layer === component || layer === grantLayer) continue;
    const compression = compressionOf(layer.mediaType);
    if (compression === undefined) throw wrongType('a layer', LAYER_TYPES, layer.mediaType);
    const { digest, size } = await part(layer, 'a layer of files', limits.packageBytes);
    const index = compression === 'gzip' ? null : parseLayerIndex(layer.annotations?.[ANNOTATIONS.files]);
    layers.push({ digest, sizeBytes: size, compression, index });
  }
  const sizeBytes = [...parts.values()].reduce((sum, size) => sum + size, 0);
  if (sizeBytes > limits.packageBytes + limits.componentBytes)
    throw invalid(`expected parts of at most ${limits.packageBytes} bytes together, got ${sizeBytes}`);
  return {
    ...{ digest: named.digest, manifest: bytes, sizeBytes, blobs: [...parts.keys()] },
    component: { digest: component.digest, sizeBytes: component.size },
    grant: strictParse(GrantRequest, grant, 'the grant', 'grant-invalid'),
    ...{ layers, annotations: manifest.annotations ?? {} },
  };
}

/** Reads the manifest of a package; `package-invalid` says what is wrong with it. */
export function parsePackageManifest(bytes: Uint8Array): PackageManifest {
  return document(PackageManifest, parsePackageJson(bytes, 'the manifest'), 'the manifest');
}

const LAYER_TYPES = [
  MEDIA_TYPES.component,
  MEDIA_TYPES.grant,
  MEDIA_TYPES.files,
  MEDIA_TYPES.filesGzip,
  MEDIA_TYPES.filesZstd,
] as const;

async function json(source: BlobSource, { digest, size }: Descriptor, what: string): Promise<Uint8Array> {
  if (size > MAX_PACKAGE_JSON_BYTES)
    throw invalid(`expected ${what} of at most ${MAX_PACKAGE_JSON_BYTES} bytes, got ${size}`);
  if ((await source.sizeOf(digest)) !== size) throw invalid(`expected ${what} as ${digest} of ${size} bytes, got none`);
  return await source.read(digest);
}

function onlyOne({ layers }: PackageManifest, mediaType: string, what: string): Descriptor | undefined {
  const found = layers.filter((layer) => layer.mediaType === mediaType);
  if (found.length > 1) throw invalid(`expected one ${what}, got ${found.length}`);
  return found[0];
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

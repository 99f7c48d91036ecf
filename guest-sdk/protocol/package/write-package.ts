import { type Digest, digestOf, hexOf } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import type { GrantRequest } from '../grant/index.ts';
import { plainPathFault } from '../grant/index.ts';
import { MEDIA_TYPES } from './media-types.ts';
import { joinPieces, type TarFile, tarPieces } from './tar-writer.ts';

/** What goes into a package. */
export interface PackageContent {
  readonly component: Uint8Array;
  /** What the function asks for; the paths of `from` are those of `files`. */
  readonly grant: GrantRequest;
  /** Files by their paths in the package, such as `assets/a.txt`. */
  readonly files: Iterable<TarFile>;
}

/** A package as it travels: an OCI image layout in a tar. */
export interface WrittenPackage {
  /** Digest of the manifest: the package's name. */
  readonly digest: Digest;
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
}

interface Blob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/**
 * Packs a component with its grant and files. The same content gives the same bytes on every computer: files are sorted, and
 * no time, user or tool is in them. `package-invalid` names a path that is no plain relative one, or is there twice.
 */
export async function writePackage({ component, grant, files }: PackageContent): Promise<WrittenPackage> {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [at, [path]] of sorted.entries()) {
    const fault = plainPathFault(path) ?? (sorted[at - 1]?.[0] === path ? 'a path twice' : null);
    if (fault !== null)
      throw new CloudletError(
        'package-invalid',
        `expected plain relative paths of files, got ${fault}: ${JSON.stringify(path)}`,
      );
  }
  const layers: (readonly [string, Blob])[] = [[MEDIA_TYPES.component, await blobOf(component)]];
  layers.push([MEDIA_TYPES.grant, await blobOf(jsonBytes(grant))]);
  if (sorted.length > 0) layers.push([MEDIA_TYPES.files, await blobOf(joinPieces(tarPieces(sorted)))]);
  const config = await blobOf(
    jsonBytes({
      created: '1970-01-01T00:00:00Z',
      architecture: 'wasm',
      os: 'wasip2',
      layerDigests: layers.map(([, { digest }]) => digest),
    }),
  );
  const manifest = await blobOf(
    jsonBytes({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: describe(MEDIA_TYPES.config, config),
      layers: layers.map(([mediaType, blob]) => describe(mediaType, blob)),
    }),
  );
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [describe(MEDIA_TYPES.manifest, manifest)],
  };
  const blobs = new Map([manifest, config, ...layers.map(([, blob]) => blob)].map((blob) => [blob.digest, blob.bytes]));
  const pieces = tarPieces([
    ['oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' })],
    ['index.json', jsonBytes(index)],
    ...[...blobs].map(([digest, bytes]): TarFile => [`blobs/sha256/${hexOf(digest)}`, bytes]),
  ]);
  return { digest: manifest.digest, pieces, sizeBytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}

function describe(mediaType: string, { digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function blobOf(bytes: Uint8Array): Promise<Blob> {
  return { digest: await digestOf(bytes), bytes };
}

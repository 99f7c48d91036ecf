/**
 * Packages for tests: good ones, and such that no honest tool would write.
 */
import { createHash } from 'node:crypto';
import { encodeTarHeader, MEDIA_TYPES, TAR_BLOCK_BYTES, tarPieces } from '../../guest-sdk/protocol/index.ts';

/** The hexadecimal digest of bytes. */
export function hexDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A tar of texts and bytes, as it travels. */
export function tarOf(files: readonly (readonly [string, string | Uint8Array])[]): Buffer {
  return Buffer.concat(tarPieces(files.map(([name, content]) => [name, Buffer.from(content)] as const)));
}

/** A header with any type, and what is said of its size, followed by nothing. */
export function tarEntry(name: string, type: string, size = 0): Buffer {
  return Buffer.from(encodeTarHeader({ name, type, size }));
}

/** Content filled up to whole blocks. */
export function filled(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((TAR_BLOCK_BYTES - (bytes.length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES)]);
}

/** What a layout is made of; each part may be replaced by what a test wants. */
export interface LayoutParts {
  readonly layers: readonly (readonly [mediaType: string, bytes: Uint8Array])[];
  readonly configType?: string;
  readonly manifest?: (manifest: { config: unknown; layers: { size: number }[] }) => unknown;
  readonly index?: (index: { manifests: unknown[] }) => unknown;
  readonly files?: (
    files: (readonly [string, string | Uint8Array])[],
  ) => readonly (readonly [string, string | Uint8Array])[];
}

/** An OCI image layout in a tar. */
export function layoutOf({ layers, configType = MEDIA_TYPES.config, manifest, index, files }: LayoutParts): Buffer {
  const blobs = new Map<string, Uint8Array>();
  const describe = (mediaType: string, bytes: Uint8Array) => {
    const hex = hexDigest(bytes);
    blobs.set(`blobs/sha256/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = describe(configType, Buffer.from('{}'));
  const plain = { schemaVersion: 2, config, layers: layers.map(([mediaType, bytes]) => describe(mediaType, bytes)) };
  const named = describe(MEDIA_TYPES.manifest, Buffer.from(JSON.stringify(manifest?.(plain) ?? plain)));
  const list = { schemaVersion: 2, manifests: [named] };
  const all: (readonly [string, string | Uint8Array])[] = [
    ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
    ['index.json', JSON.stringify(index?.(list) ?? list)],
    ...blobs,
  ];
  return tarOf(files?.(all) ?? all);
}

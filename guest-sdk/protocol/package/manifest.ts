import * as v from 'valibot';
import { parseDigest } from '../digest.ts';
import { MEDIA_TYPES } from './media-types.ts';

const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'a digest "sha256:<64 hex digits>"'),
  v.transform(parseDigest),
);
const Size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** Keys and values that go with a manifest. */
export const Annotations = v.record(v.string(), v.string());
export type Annotations = v.InferOutput<typeof Annotations>;

/** A blob as an index or a manifest names it. Other keys are let be. */
export const Descriptor = v.object({
  mediaType: v.string(),
  digest: DigestText,
  size: Size,
  artifactType: v.optional(v.string()),
  // Of another shape they are other tools', and none of ours.
  annotations: v.optional(v.fallback(Annotations, {})),
});
export type Descriptor = v.InferOutput<typeof Descriptor>;

/** `oci-layout`. */
export const LayoutFile = v.object({
  imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\./, 'a version 1 of the layout')),
});

/** Signatures that are taken of one package. */
export const MAX_SIGNATURES = 8;

/** `index.json`: a package has one manifest, and its signatures beside it. */
export const IndexFile = v.object({
  schemaVersion: v.literal(2),
  manifests: v.pipe(
    v.array(Descriptor),
    v.minLength(1, 'a list with one manifest'),
    v.maxLength(1 + MAX_SIGNATURES, `a list with one manifest and at most ${MAX_SIGNATURES} signatures`),
  ),
});

/** The package that an index names: the one that is no signature. Undefined when it is no such index. */
export function packageOfIndex(value: unknown): Descriptor | undefined {
  const parsed = v.safeParse(IndexFile, value);
  return parsed.success
    ? parsed.output.manifests.find(({ artifactType }) => artifactType !== MEDIA_TYPES.signature)
    : undefined;
}

/** Most layers of files in one package. */
export const MAX_FILE_LAYERS = 32;

/** The manifest of a package: one component, at most one grant, and files in layers. */
export const PackageManifest = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  config: Descriptor,
  layers: v.pipe(v.array(Descriptor), v.minLength(1), v.maxLength(MAX_FILE_LAYERS + 2)),
  annotations: v.optional(Annotations),
});
export type PackageManifest = v.InferOutput<typeof PackageManifest>;

/** The manifest of a signature: one JWS, and the manifest that it is of. */
export const SignatureManifest = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.literal(MEDIA_TYPES.manifest),
  artifactType: v.literal(MEDIA_TYPES.signature),
  config: v.object({ ...Descriptor.entries, mediaType: v.literal(MEDIA_TYPES.empty) }),
  layers: v.pipe(
    v.array(v.object({ ...Descriptor.entries, mediaType: v.literal(MEDIA_TYPES.jose) })),
    v.length(1, 'one layer, the signature'),
  ),
  subject: Descriptor,
  annotations: v.optional(Annotations),
});
export type SignatureManifest = v.InferOutput<typeof SignatureManifest>;

/** How the bytes of a layer of files are compressed; undefined when a media type is none of such a layer. */
export function compressionOf(mediaType: string): 'none' | 'gzip' | 'zstd' | undefined {
  switch (mediaType) {
    case MEDIA_TYPES.files:
      return 'none';
    case MEDIA_TYPES.filesGzip:
      return 'gzip';
    case MEDIA_TYPES.filesZstd:
      return 'zstd';
    default:
      return undefined;
  }
}

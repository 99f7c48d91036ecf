import * as v from 'valibot';
import { parseDigest } from '../digest.ts';
import { MEDIA_TYPES } from './media-types.ts';

const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'a digest "sha256:<64 hex digits>"'),
  v.transform(parseDigest),
);
const Size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** A blob as an index or a manifest names it. Other keys, such as annotations, are let be. */
export const Descriptor = v.object({ mediaType: v.string(), digest: DigestText, size: Size });
export type Descriptor = v.InferOutput<typeof Descriptor>;

/** `oci-layout`. */
export const LayoutFile = v.object({
  imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\./, 'a version 1 of the layout')),
});

/** `index.json`: a package has one manifest. */
export const IndexFile = v.object({
  schemaVersion: v.literal(2),
  manifests: v.pipe(
    v.array(Descriptor),
    v.minLength(1, 'a list with one manifest'),
    v.maxLength(1, 'a list with one manifest'),
  ),
});

/** The manifest of a package: one component, at most one grant, and files in layers. */
export const PackageManifest = v.object({
  schemaVersion: v.literal(2),
  config: Descriptor,
  layers: v.pipe(v.array(Descriptor), v.minLength(1), v.maxLength(34)),
});
export type PackageManifest = v.InferOutput<typeof PackageManifest>;

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

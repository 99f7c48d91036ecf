export { artifactOf, type ComponentFacts } from './artifact.ts';
export { blobOf, descriptorOf, type KnownBlob } from './blob.ts';
export { type BlobSource, blobsInMemory, parsePackageJson } from './blob-source.ts';
export {
  type CompressedLayer,
  formatLayerIndex,
  type IndexedFile,
  type IndexedFrame,
  type LayerFrame,
  type LayerIndex,
  parseLayerIndex,
} from './layer-index.ts';
export { Annotations, compressionOf, Descriptor, PackageManifest, packageOfIndex } from './manifest.ts';
export { ANNOTATIONS, MEDIA_TYPES, PACKAGE_TYPES } from './media-types.ts';
export {
  type DescribedLayer,
  type FilesLayer,
  MAX_PACKAGE_JSON_BYTES,
  type PackageLimits,
  parsePackageManifest,
  type ReadPackage,
  readLayout,
  readManifest,
} from './read-package.ts';
export {
  blobsOfSignature,
  EMPTY_CONFIG,
  type PackageSignature,
  readSignature,
  signatureOf,
  type VerifiedSignature,
  verifySignature,
} from './signature-manifest.ts';
export { encodeTarHeader, parsePaxRecords, parseTarHeader, TAR_BLOCK_BYTES, type TarHeader } from './tar-header.ts';
export { joinPieces, type TarFile, tarPieces } from './tar-writer.ts';
export { layoutOf, type PackageContent, type WrittenPackage, writePackage } from './write-package.ts';

export { compressionOf, Descriptor, IndexFile, LayoutFile, PackageManifest } from './manifest.ts';
export { MEDIA_TYPES, PACKAGE_TYPES } from './media-types.ts';
export { encodeTarHeader, parsePaxRecords, parseTarHeader, TAR_BLOCK_BYTES, type TarHeader } from './tar-header.ts';
export { joinPieces, type TarFile, tarPieces } from './tar-writer.ts';
export { type PackageContent, type WrittenPackage, writePackage } from './write-package.ts';

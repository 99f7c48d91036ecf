export { type ExportOptions, exportImage } from './archive/export-image.ts';
export { type ImportOptions, importImage, importImageFile } from './archive/import-image.ts';
export { expectConditions, whatDiffers } from './conditions.ts';
export type { DraftShape, MadeImage, VmImageDraft } from './image-draft.ts';
export { type HeldVmImage, type ListedVmImage, VmImageStore, type VmImageStoreOptions } from './image-store.ts';
export { MEMORY_BLOCK_BYTES } from './memory-blocks.ts';
export { DEFAULT_VM_IMAGE_BYTES, openVmImages, type VmImagesOptions } from './open-images.ts';
export type { DiskLayer, VmImage } from './vm-image.ts';

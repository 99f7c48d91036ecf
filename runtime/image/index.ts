export type { BaseImage } from './base-image.ts';
export type { BuildProgress, BuildStage } from './build-image.ts';
export { ensureImageApart } from './image-process.ts';
export { type ListedImage, listImages } from './list-images.ts';
export { missingForImage } from './requirements.ts';

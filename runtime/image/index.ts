export { bundleAgent } from './agent-bundle.ts';
export type { BaseImage, ImageManifest } from './base-image.ts';
export type { BuildProgress, BuildStage } from './build-image.ts';
export { type EnsureImageOptions, ensureImage, missingForImage } from './catalogue.ts';
export { type ListedImage, listImages } from './list-images.ts';

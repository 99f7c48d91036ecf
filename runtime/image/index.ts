export type { BaseImage } from './base-image.ts';
export type { BuildProgress, BuildStage } from './build-image.ts';
export { runCommand } from './command.ts';
export { ensureImageApart } from './image-process.ts';
export { makeInitrd } from './initrd.ts';
export { type KernelFiles, readKernelFiles } from './kernel-files.ts';
export { type DebianPackage, hasDebianTools, resolveKernel } from './kernel-package.ts';
export { type ListedImage, listImages } from './list-images.ts';
export { missingForImage } from './requirements.ts';

/**
 * Has the base image in a process of its own: bundling, hashing and unpacking take memory and time that a serving host must not
 * give. Started by `image-process.ts`.
 */
import type { BaseImage } from './base-image.ts';
import { ensureImage } from './catalogue.ts';
import type { ImageProcessOptions, ImageProgress } from './image-process.ts';
import { doWork } from './work-apart.ts';

await doWork<ImageProcessOptions, BaseImage, ImageProgress>((options, say, signal) =>
  ensureImage({ ...options, signal, onProgress: (...progress) => say(progress) }),
);

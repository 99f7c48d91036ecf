import { fileURLToPath } from 'node:url';
import type { BaseImage } from './base-image.ts';
import type { BuildProgress, BuildStage } from './build-image.ts';
import { workApart } from './work-apart.ts';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What the process is told. */
export interface ImageProcessOptions {
  /** Images lie in `images/` below it. */
  readonly cacheDir: string;
}

/** What the process says while it builds: the arguments of `BuildProgress`. */
export type ImageProgress = readonly [stage: BuildStage, done: number, total: number];

/** `ensureImage` in a process of its own, for a host that serves meanwhile. The process ends when `signal` aborts. */
export function ensureImageApart(
  options: ImageProcessOptions & { readonly onProgress?: BuildProgress; readonly signal?: AbortSignal },
): Promise<BaseImage> {
  const { onProgress, signal, ...plain } = options;
  return workApart<BaseImage, ImageProgress>(ENTRY, plain, {
    subject: 'the base image',
    onProgress: (progress) => onProgress?.(...progress),
    ...(signal === undefined ? {} : { signal }),
  });
}

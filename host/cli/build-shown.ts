import { type Build, build } from '../../guest-sdk/build/index.ts';
import { hostConfig } from '../config.ts';
import { printable } from './terminal/printable.ts';
import { showProgress } from './terminal/progress.ts';
import { typed } from './usage-error.ts';

/** Builds the project in a folder, with its stages and the compiler's warnings on stderr; `strip` leaves names of functions and source maps out. */
export async function buildShown(folder: string, signal: AbortSignal, strip = false): Promise<Build> {
  const { cacheDir: cache } = typed(() => hostConfig({}));
  const progress = showProgress('build');
  try {
    return await build(folder, {
      cache,
      signal,
      strip,
      onProgress: (event) => {
        if (event.kind === 'stage') return progress.stage(event.sentence);
        progress.clear();
        console.error(printable(event.text.trimEnd()));
      },
    });
  } finally {
    progress.clear();
  }
}

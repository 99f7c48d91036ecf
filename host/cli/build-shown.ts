import { type Build, build, type ProgramBuild } from '../../guest-sdk/build/index.ts';
import { hostConfig } from '../config.ts';
import { printable } from './terminal/printable.ts';
import { showProgress } from './terminal/progress.ts';
import { typed } from './usage-error.ts';

/** What a build shown to people may be told: `strip` leaves names of functions and source maps out, `program` builds an existing program. */
export interface ShownBuild {
  readonly strip?: boolean;
  readonly program?: ProgramBuild | undefined;
}

/** Builds the project in a folder, with its stages, what a program's own build says, and the compiler's warnings on stderr. */
export async function buildShown(
  folder: string,
  signal: AbortSignal,
  { strip = false, program }: ShownBuild = {},
): Promise<Build> {
  const { cacheDir: cache } = typed(() => hostConfig({}));
  const progress = showProgress('build');
  try {
    return await build(folder, {
      cache,
      signal,
      strip,
      program,
      onProgress: (event) => {
        if (event.kind !== 'warning')
          return progress.stage(printable(event.kind === 'stage' ? event.sentence : event.text));
        progress.clear();
        console.error(printable(event.text.trimEnd()));
      },
    });
  } finally {
    progress.clear();
  }
}

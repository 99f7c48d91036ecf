import { stackMapOf } from '../../../../runtime/index.ts';
import type { WitFunction } from '../../../protocol/index.ts';
import type { BuildContext } from '../../progress.ts';
import { BUILD_WORLD } from '../../world.ts';
import type { Bundle } from '../bundle.ts';
import { componentizeDisguised, disguise, engineRefused, reveal } from '../quickjs.ts';
import { keepShell, type Shell } from './shell.ts';

/** Makes the shell of a world, whose WIT is in the folder `wit`, and keeps it under its key. */
export async function shellOf(
  key: string,
  functions: readonly WitFunction[],
  wit: string,
  { cache, engine }: BuildContext,
): Promise<Shell> {
  const component = await componentizeDisguised({ code: 'export {}', wit, world: BUILD_WORLD });
  return keepShell(cache, key, component, functions, (folder) => engine.find(folder));
}

/** Words of the engine for what is the program's fault; any other failure is ours. */
const PROGRAM_FAILED = /^Failed to evaluate user JavaScript module|while a function is built/;

/**
 * The component of a program, made in a shell in place of the engine's own tool, which compiles the engine anew each time. Null when
 * the shell cannot serve: then that tool can. `build-failed` has the engine's words.
 */
export async function evaluateInShell(
  shell: Shell,
  { code, map }: Pick<Bundle, 'code' | 'map'>,
  context: BuildContext,
): Promise<Uint8Array | null> {
  const made = await context.engine.evaluate(shell, disguise(code), context.signal);
  if (!('failed' in made)) return reveal(made);
  if (PROGRAM_FAILED.test(made.failed)) throw engineRefused(stackMapOf(map)?.(made.failed) ?? made.failed);
  return null;
}

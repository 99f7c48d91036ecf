import type { AssemblyScriptCompiler } from './assemblyscript/compiler.ts';
import type { QuickJsEngine } from './javascript/engine/engine.ts';

/** What a build is doing, in order; a stage that is not needed does not come. */
export type BuildStage = 'check' | 'bind' | 'bundle' | 'engine' | 'compile' | 'componentize' | 'write';

/** A step of a build, a compiler's warning during one, or a line that a program's own build says. */
export type BuildProgress =
  | { readonly kind: 'stage'; readonly stage: BuildStage; readonly sentence: string }
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'output'; readonly text: string };

/** What every step of a build is given. */
export interface BuildContext {
  readonly onProgress: (progress: BuildProgress) => void;
  readonly signal: AbortSignal | undefined;
  /** An empty folder that is gone after the build. */
  readonly scratch: string;
  /** Folder of the finished component; it may not be there yet. */
  readonly output: string;
  /** Folder for what can be made again, and which other builds use too. */
  readonly cache: string;
  /** Leaves out what only helps to read a stack: source maps, names of functions. */
  readonly strip: boolean;
  /** Told each file outside of the project's folder that the build reads, as far as its compiler tells. */
  readonly onSource: (path: string) => void;
  /** Evaluates programs of QuickJS functions. */
  readonly engine: QuickJsEngine;
  /** Compiles AssemblyScript. */
  readonly assemblyscript: AssemblyScriptCompiler;
}

/** Begins a stage: ends the build when it was aborted, else tells what comes. */
export function begin(context: Pick<BuildContext, 'signal' | 'onProgress'>, stage: BuildStage, sentence: string): void {
  context.signal?.throwIfAborted();
  context.onProgress({ kind: 'stage', stage, sentence });
}

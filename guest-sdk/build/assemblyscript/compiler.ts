import { ToolThread } from '../tool-thread.ts';
import type { Compilation, Compiled } from './compiler-thread.ts';

/** Compiles AssemblyScript, in a thread of its own that starts when it is first needed. Close it at the end. */
export class AssemblyScriptCompiler {
  readonly #thread = new ToolThread<Compilation>(new URL('./compiler-thread.ts', import.meta.url));

  /** Compiles; when the signal aborts the thread is ended with what it does. */
  compile(ask: Compilation, signal?: AbortSignal): Promise<Compiled> {
    return this.#thread.ask(ask, signal);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

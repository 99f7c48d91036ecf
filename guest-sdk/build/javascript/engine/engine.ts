import { changeModules, withMemoryImage } from '../../../../runtime/index.ts';
import { CloudletError } from '../../../protocol/index.ts';
import { ToolThread } from '../../tool-thread.ts';
import type { EngineAsk } from './engine-thread.ts';
import type { Evaluation } from './loaded-shell.ts';
import { holdsMemory, type Shell } from './shell.ts';

/** How long the top of a program's modules may take, milliseconds: what runs there runs once, while the component is made. */
const EVALUATION_MS = 30_000;

/** Evaluates programs in shells, in a thread of its own that starts when it is first needed. Close it at the end. */
export class QuickJsEngine {
  readonly #thread = new ToolThread<EngineAsk>(new URL('./engine-thread.ts', import.meta.url));

  /** Where the shell in a folder notes that it has evaluated a program; null when that is not one place. */
  async find(folder: string): Promise<number | null> {
    const found = await this.#ask<readonly number[] | { failed: string }>({ kind: 'find', folder });
    return Array.isArray(found) && found.length === 1 ? found[0]! : null;
  }

  /**
   * The component of a shell that has evaluated `program`, as its own tool would make it. `build-failed` has the engine's words; a
   * program that does not end is ended.
   */
  async evaluate(
    shell: Shell,
    program: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array | { readonly failed: string }> {
    if (shell.evaluated === null) return { failed: 'the engine keeps its state somewhere else' };
    const ask = { kind: 'evaluate', folder: shell.folder, program, evaluated: shell.evaluated } as const;
    const result = await this.#ask<Evaluation>(ask, signal);
    if ('failed' in result) return result;
    return changeModules(shell.component, (module) =>
      holdsMemory(module) ? withMemoryImage(module, result.memory) : null,
    );
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  #ask<T>(ask: EngineAsk, signal?: AbortSignal): Promise<T> {
    return this.#thread.ask(ask, signal, { ms: EVALUATION_MS, tooLong: endless });
  }
}

function endless(): CloudletError {
  const sentence = `the top of the function's modules did not end within ${EVALUATION_MS / 1000} s; what takes long belongs inside a function`;
  return new CloudletError('build-failed', sentence);
}

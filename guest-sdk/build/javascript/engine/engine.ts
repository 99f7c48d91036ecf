import { Worker } from 'node:worker_threads';
import { changeModules, withMemoryImage } from '../../../../runtime/index.ts';
import { CloudletError } from '../../../protocol/index.ts';
import type { EngineAsk } from './engine-thread.ts';
import type { Evaluation } from './loaded-shell.ts';
import { holdsMemory, type Shell } from './shell.ts';

/** How long the top of a program's modules may take, milliseconds: what runs there runs once, while the component is made. */
const EVALUATION_MS = 30_000;

/** Evaluates programs in shells, in a thread of its own that starts when it is first needed. Close it at the end. */
export class QuickJsEngine {
  #thread: Worker | null = null;
  /** One program at a time: they share the shell's memory. */
  #last: Promise<unknown> = Promise.resolve();

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

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = null;
  }

  #ask<T>(ask: EngineAsk, signal?: AbortSignal): Promise<T> {
    const turn = this.#last.then(() => this.#send<T>(ask, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #send<T>(ask: EngineAsk, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    this.#thread ??= new Worker(new URL('./engine-thread.ts', import.meta.url), { stderr: false });
    const thread = this.#thread;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const tooLong = setTimeout(() => reject(endless()), EVALUATION_MS);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    thread.once('message', resolve).once('error', reject);
    // Nothing waits for a thread that has nothing to do.
    thread.ref();
    thread.postMessage(ask);
    try {
      return await promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      thread.off('message', resolve).off('error', reject);
      thread.unref();
      clearTimeout(tooLong);
      signal?.removeEventListener('abort', abort);
    }
  }
}

function endless(): CloudletError {
  const sentence = `the top of the function's modules did not end within ${EVALUATION_MS / 1000} s; what takes long belongs inside a function`;
  return new CloudletError('build-failed', sentence);
}

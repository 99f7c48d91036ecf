import { Worker } from 'node:worker_threads';
import type { Compilation, Compiled } from './compiler-thread.ts';

/** Compiles AssemblyScript, in a thread of its own that starts when it is first needed. Close it at the end. */
export class AssemblyScriptCompiler {
  #thread: Worker | null = null;
  /** One compilation at a time: answers do not say what they are for. */
  #last: Promise<unknown> = Promise.resolve();

  /** Compiles; when the signal aborts the thread is ended with what it does. */
  compile(ask: Compilation, signal?: AbortSignal): Promise<Compiled> {
    const turn = this.#last.then(() => this.#send(ask, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = null;
  }

  async #send(ask: Compilation, signal?: AbortSignal): Promise<Compiled> {
    signal?.throwIfAborted();
    this.#thread ??= new Worker(new URL('./compiler-thread.ts', import.meta.url));
    const thread = this.#thread;
    const { promise, resolve, reject } = Promise.withResolvers<Compiled>();
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
      signal?.removeEventListener('abort', abort);
    }
  }
}

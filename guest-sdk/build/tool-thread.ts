import { Worker } from 'node:worker_threads';

/** How long a tool may take for one question. */
export interface ToolTime {
  readonly ms: number;
  readonly tooLong: () => Error;
}

/** A tool in a thread of its own, which starts when it is first needed and answers one question at a time. Close it at the end. */
export class ToolThread<Ask> {
  readonly #program: URL;
  #thread: Worker | null = null;
  /** Answers do not say what they are for. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(program: URL) {
    this.#program = program;
  }

  /** Asks in turn; when the signal aborts, or the time is over, the thread is ended with what it does, and the next question starts another. */
  ask<Answer>(ask: Ask, signal?: AbortSignal, time?: ToolTime): Promise<Answer> {
    const turn = this.#last.then(() => this.#send<Answer>(ask, signal, time));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = null;
  }

  async #send<Answer>(ask: Ask, signal?: AbortSignal, time?: ToolTime): Promise<Answer> {
    signal?.throwIfAborted();
    this.#thread ??= new Worker(this.#program, { stderr: false });
    const thread = this.#thread;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const timer = time && setTimeout(() => reject(time.tooLong()), time.ms);
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
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }
}

import { unlessAborted } from '../../machine/index.ts';

/** Lets those who want the same do it one after another, so that the later find what the first has done. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Does `work` when all who came before with this key are done, telling `waiting` if there are any; rejects with the signal's reason when it aborts
   * while it waits.
   */
  async take<T>(key: string, signal: AbortSignal, work: () => Promise<T>, waiting = (): void => {}): Promise<T> {
    const before = this.#last.get(key);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const last = before === undefined ? done : before.then(() => done);
    this.#last.set(key, last);
    try {
      if (before !== undefined) {
        waiting();
        await unlessAborted(before, signal);
      }
      return await work();
    } finally {
      resolve();
      if (this.#last.get(key) === last) this.#last.delete(key);
    }
  }
}

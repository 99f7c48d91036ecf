import type { Readiness } from '../context.ts';
import type { Waker } from './waker.ts';

/**
 * Ready when `isReady` says so; who waits for it listens to the waker. A class and no object with a getter of its own: for each such
 * object V8 makes a hidden class, whose getter keeps the whole invocation until the old generation is collected.
 */
export class Watch implements Readiness {
  readonly #isReady: () => boolean;
  readonly #waker: () => Waker;

  constructor(isReady: () => boolean, waker: () => Waker) {
    this.#isReady = isReady;
    this.#waker = waker;
  }

  get ready(): boolean {
    return this.#isReady();
  }

  listen(wake: () => void): () => void {
    return this.#waker().listen(wake);
  }
}

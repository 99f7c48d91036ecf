import type { Readiness } from '../context.ts';

/** Ready as that is which a socket waits for when it is looked at: it may be another thing later. */
export class CurrentReadiness implements Readiness {
  readonly #current: () => Readiness;

  constructor(current: () => Readiness) {
    this.#current = current;
  }

  get ready(): boolean {
    return this.#current().ready;
  }

  listen(wake: () => void): () => void {
    return this.#current().listen(wake);
  }
}

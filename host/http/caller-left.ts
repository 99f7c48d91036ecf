import type { ServerResponse } from 'node:http';
import type { LeaveSignal } from '../../runtime/index.ts';

/** Tells that a caller has left: its connection ended before its answer did. An `AbortSignal` would do the same for a tenth of a small call's cost. */
export class CallerLeft implements LeaveSignal {
  readonly #listeners = new Set<() => void>();
  #aborted = false;

  constructor(outgoing: ServerResponse) {
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) this.#leave();
    });
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  #leave(): void {
    this.#aborted = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

import type { ServerResponse } from 'node:http';
import type { LeaveSignal } from '../../runtime/index.ts';

/** Tells that a caller has left: its connection ended before its answer did. An `AbortSignal` would do the same for a tenth of a small call's cost. */
export class CallerLeft implements LeaveSignal {
  /** Hardly ever more than one. */
  #listeners: (() => void)[] = [];
  #aborted = false;

  /** Takes a connection that ends before this answer has left for its caller's leaving. */
  watch(outgoing: ServerResponse): this {
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) this.leave();
    });
    return this;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** The caller has left. */
  leave(): void {
    this.#aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}

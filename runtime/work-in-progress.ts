import { CloudletError } from '../guest-sdk/protocol/index.ts';

/** What a cloudlet is doing that uses its data directory, and the end of all of it. */
export class WorkInProgress {
  readonly #closing = new AbortController();
  readonly #working = new Set<Promise<unknown>>();

  /** Fires when the cloudlet closes, and ends what goes on. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Refuses with `draining` when the cloudlet closes. */
  checkOpen(): void {
    if (this.#closing.signal.aborted) throw shuttingDown();
  }

  /** Does a work of which the cloudlet waits for the end before it lets go of its data, and that ends with `signal` or the cloudlet. */
  do<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.checkOpen();
    return this.track(work(signal === undefined ? this.signal : AbortSignal.any([this.signal, signal])));
  }

  /** Counts a work among those that the cloudlet waits for. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
    return tracked;
  }

  /** Ends what goes on. */
  abort(): void {
    this.#closing.abort(shuttingDown());
  }

  /** Resolves when nothing goes on. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#working);
  }
}

function shuttingDown(): CloudletError {
  return new CloudletError('draining', 'the cloudlet is shutting down');
}

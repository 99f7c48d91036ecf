import type { Readiness } from '../context.ts';
import { Waker } from '../io/waker.ts';
import { type Pending, SocketFailure } from './network-backend.ts';

type Outcome<Result> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Something that a guest began and will finish. Ready when finishing it would not be `would-block`. */
export class Operation<Result> implements Readiness {
  readonly #pending: Pending<Result>;
  readonly #waker: Waker;
  #outcome: Outcome<Result> = { kind: 'waiting' };
  #taken = false;

  /** `close` gets what comes after it was cancelled. */
  constructor(pending: Pending<Result>, close: (result: Result) => void = () => {}) {
    this.#pending = pending;
    const settled = pending.result.then(
      (result) => {
        if (this.#taken) close(result);
        else this.#outcome = { kind: 'done', result };
      },
      (error: unknown) => {
        this.#outcome = { kind: 'failed', error };
      },
    );
    this.#waker = new Waker({ wait: () => settled });
    this.#close = close;
  }

  readonly #close: (result: Result) => void;

  get ready(): boolean {
    return this.#outcome.kind !== 'waiting';
  }

  listen(wake: () => void): () => void {
    return this.#waker.listen(wake);
  }

  /** What came of it. Throws `would-block`, or the code of its failure. */
  finish(): Result {
    const outcome = this.#outcome;
    if (outcome.kind === 'waiting') throw 'would-block';
    this.#taken = true;
    if (outcome.kind === 'done') return outcome.result;
    throw outcome.error instanceof SocketFailure ? outcome.error.code : 'unknown';
  }

  /** It is not wanted any more. */
  cancel(): void {
    if (this.#taken) return;
    this.#taken = true;
    if (this.#outcome.kind === 'done') this.#close(this.#outcome.result);
    else this.#pending.cancel();
  }
}

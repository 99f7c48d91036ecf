/** What can be waited for: a `ByteSource` or a `ByteSink`. */
interface Waitable {
  wait(): Promise<void>;
}

const wakers = new WeakMap<Waitable, Waker>();

/** The one waker of a source or sink. */
export function wakerOf(waitable: Waitable): Waker {
  let waker = wakers.get(waitable);
  if (waker === undefined) {
    waker = new Waker(waitable);
    wakers.set(waitable, waker);
  }
  return waker;
}

/**
 * Spreads one outstanding `wait()` to any number of listeners that come and go.
 * Without it a guest that polls a silent stream together with a short timer, again and again, would leave one promise reaction each time.
 */
export class Waker {
  readonly #waitable: Waitable;
  readonly #listeners = new Set<() => void>();
  #waiting = false;

  constructor(waitable: Waitable) {
    this.#waitable = waitable;
  }

  /** Calls `wake` after the next `wait()`. Gives a function that forgets it. */
  listen(wake: () => void): () => void {
    this.#listeners.add(wake);
    if (!this.#waiting) {
      this.#waiting = true;
      const fire = () => this.#fire();
      this.#waitable.wait().then(fire, fire);
    }
    return () => this.#listeners.delete(wake);
  }

  #fire(): void {
    this.#waiting = false;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const wake of listeners) wake();
  }
}

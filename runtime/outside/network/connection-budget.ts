import { NetworkFailure } from './network-failure.ts';

interface Waiting {
  readonly resolve: () => void;
}

/** Connections that one function may have at once, of all its instances and all kinds. Who comes later waits. */
export class ConnectionBudget {
  /** May change: who comes then finds the new one. */
  limit: number;
  #used = 0;
  readonly #waiting: Waiting[] = [];
  readonly #spare: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Connections there are. */
  get used(): number {
    return this.#used;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `close` when a place is wanted and none is free: it may end a connection that serves nobody. */
  onPressure(close: () => void): void {
    this.#spare.push(close);
  }

  /** Takes a place if one is free. */
  tryTake(): boolean {
    if (this.#used >= this.limit) return false;
    this.#used += 1;
    return true;
  }

  /** Resolves with a place of one's own. Rejects with `limit` when there is none before the signal aborts. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.tryTake()) return;
    // Guests choose how many wait: each costs the host memory.
    if (this.#waiting.length >= 16 * this.limit) throw this.#full();
    for (const close of this.#spare) close();
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(this.#full());
      };
      const waiting = {
        resolve: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      if (signal.aborted) return reject(this.#full());
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** Gives a place back. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#used -= 1;
    else next.resolve();
  }

  #full(): NetworkFailure {
    return new NetworkFailure('limit', `the function has its ${this.limit} connections, and none became free`);
  }
}

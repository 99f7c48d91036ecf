import type { Clock } from '../../sandbox/index.ts';

/** How long parts wait for the question that they were sent beside, milliseconds: it was sent first, and may be slow to be answered. */
const PATIENCE_MS = 5_000;

/** How many wait at once, at most, and how many of them are one caller's, who may be a user at an address: anyone may name an id that nobody asks for. */
const MOST_WAITING = { all: 64, ofOne: 8 };

/** Deployments that parts have come for and that nobody has asked for yet, by id. */
export class ComingDeployments {
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #counts = new Map<string, number>();
  #count = 0;

  /** `closing`: nobody waits any longer. */
  constructor(clock: Clock, closing: AbortSignal) {
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Resolves when what was asked for under this id began, or could not; after a while, or when the signal aborts, at the latest; at once when many wait, or many of this caller. */
  wait(id: string, caller: string, leaving: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([leaving, this.#closing]);
    const isFull = this.#count >= MOST_WAITING.all || (this.#counts.get(caller) ?? 0) >= MOST_WAITING.ofOne;
    if (signal.aborted || isFull) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const over = (): void => {
        cancel();
        signal.removeEventListener('abort', over);
        if (waiting.delete(over)) this.#add(caller, -1);
        if (waiting.size === 0) this.#waiting.delete(id);
        resolve();
      };
      const cancel = this.#clock.after(PATIENCE_MS, over);
      signal.addEventListener('abort', over, { once: true });
      waiting.add(over);
      this.#add(caller, 1);
    });
  }

  #add(caller: string, by: 1 | -1): void {
    this.#count += by;
    const count = (this.#counts.get(caller) ?? 0) + by;
    if (count === 0) this.#counts.delete(caller);
    else this.#counts.set(caller, count);
  }

  /** What asking comes to; who waits for what is asked for under an id goes on then. */
  until<T>(asking: Promise<T>, id: string | undefined): Promise<T> {
    if (id === undefined) return asking;
    return asking.finally(() => {
      for (const over of [...(this.#waiting.get(id) ?? [])]) over();
    });
  }
}

import type { Clock } from '../../sandbox/index.ts';

/** How long parts wait for the question that they were sent beside, milliseconds: it was sent first, and may be slow to be answered. */
const PATIENCE_MS = 5_000;

/** How many wait at once, at most: anyone may name an id that nobody asks for. */
const MOST_WAITING = 64;

/** Deployments that parts have come for and that nobody has asked for yet, by id. */
export class ComingDeployments {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when what was asked for under this id began, or could not; after a while, or when the signal aborts, at the latest; at once when many wait. */
  wait(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#count >= MOST_WAITING) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const over = (): void => {
        cancel();
        signal.removeEventListener('abort', over);
        if (waiting.delete(over)) this.#count -= 1;
        if (waiting.size === 0) this.#waiting.delete(id);
        resolve();
      };
      const cancel = this.#clock.after(PATIENCE_MS, over);
      signal.addEventListener('abort', over, { once: true });
      waiting.add(over);
      this.#count += 1;
    });
  }

  /** What asking comes to; who waits for what is asked for under an id goes on then. */
  until<T>(asking: Promise<T>, id: string | undefined): Promise<T> {
    if (id === undefined) return asking;
    return asking.finally(() => {
      for (const over of [...(this.#waiting.get(id) ?? [])]) over();
    });
  }
}

/** Bounds of `Retry-After`, seconds: at least what a clock of seconds can say, at most what a person would wait. */
const RETRY_AFTER_S = { min: 1, max: 60 };

/** How much of what is known the latest invocation changes. */
const LATEST_SHARE = 0.2;

/** How long a version's invocations and starts take, as far as the latest ones tell. */
export class ServiceEstimate {
  #serviceMs: number | null = null;
  #startMs = 0;

  /** An invocation has held its place for so long. */
  served(ms: number): void {
    this.#serviceMs = (this.#serviceMs ?? ms) * (1 - LATEST_SHARE) + ms * LATEST_SHARE;
  }

  /** A start took so long. */
  started(ms: number): void {
    this.#startMs = ms;
  }

  /** What the latest start took; 0 when there was none. */
  get startMs(): number {
    return this.#startMs;
  }

  /** When so many that wait will have been served in so many places; 0 when nothing is known. */
  drainMs(waiting: number, places: number): number {
    return (waiting * (this.#serviceMs ?? 0)) / places;
  }

  /** Seconds after which one who is sent away may come again: when those who wait have been served. `starting`: not before a start. */
  retryAfterS(waiting: number, places: number, starting: boolean): number {
    const ms = this.drainMs(waiting, places) + (starting ? this.#startMs : 0);
    return Math.min(RETRY_AFTER_S.max, Math.max(RETRY_AFTER_S.min, Math.ceil(ms / 1000)));
  }
}

/** A time limit for one wait after another. */
export class Patience {
  readonly #over: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(over: () => void) {
    this.#over = over;
  }

  /** Calls `over` after a time, unless ended before. */
  begin(ms: number): void {
    this.end();
    this.#timer = setTimeout(this.#over, ms);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

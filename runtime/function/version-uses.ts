import { InFlight } from '../sandbox/index.ts';

/** Which versions have invocations that wait or run: none of them may be taken away. */
export class VersionUses {
  readonly #counts = new InFlight<string, number>();
  readonly #left: (id: string) => void;

  /** `left` hears of each version whose last invocation ended. */
  constructor(left: (id: string) => void) {
    this.#left = left;
  }

  /** Whether a version, by its id, is in use. */
  has(id: string): boolean {
    return this.#counts.has(id);
  }

  /** An invocation of a version begins; it has ended when the returned function is called, once or more often. */
  enter(id: string): () => void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const left = this.#counts.get(id)! - 1;
      if (left > 0) {
        this.#counts.set(id, left);
        return;
      }
      this.#counts.delete(id);
      this.#left(id);
    };
  }
}

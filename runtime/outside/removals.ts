/** A store from which functions are removed. */
export interface RemovableStore {
  /** Takes all that a function has from under its name, at once: whoever has the name next has nothing of it. */
  retire(functionName: string): void;
  /** Removes some of what was retired, also before the store was opened; true when there is nothing more. */
  removeSome(): boolean;
}

/**
 * Removes what retired functions had, a little in each turn of the event loop: a function may have hundreds of thousands of objects, and
 * nobody else is served while a transaction goes on. What is left at `close`, or after a kill, goes when the stores open again.
 */
export class Removals {
  readonly #stores: readonly RemovableStore[];
  #settled = Promise.withResolvers<void>();
  #next: NodeJS.Immediate | undefined;

  constructor(stores: readonly RemovableStore[]) {
    this.#stores = stores;
    this.#settled.resolve();
  }

  /** Removes all that a function has, which is out of everybody's reach from now on. */
  remove(functionName: string): void {
    for (const store of this.#stores) store.retire(functionName);
    this.begin();
  }

  /** Goes on with what is retired. */
  begin(): void {
    if (this.#next !== undefined) return;
    this.#settled = Promise.withResolvers();
    this.#next = setImmediate(() => this.#step());
  }

  /** Resolves when nothing is left, or nothing more can be removed now. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Idempotent. */
  close(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#settled.resolve();
  }

  #step(): void {
    let isOver = true;
    try {
      for (const store of this.#stores) isOver = store.removeSome() && isOver;
    } catch {
      // A full disk, whose every user is told: what is left is out of reach, and goes after the next removal or start.
    }
    if (isOver) this.close();
    else this.#next = setImmediate(() => this.#step());
  }
}

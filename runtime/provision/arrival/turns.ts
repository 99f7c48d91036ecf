/** What comes in its turn or at once: something of a package that is read as one. */
export interface Turn {
  /** Reads and gives it to whom it belongs; `urgent`: a guest waits for it. Rejects when it does not come. */
  readonly take: (urgent: boolean) => Promise<void>;
}

/** How many are asked for at once: the next is on its way while one is expanded, and what is wanted is not far behind. */
const AHEAD = 6;

/** How many behind a wanted one are asked for as if they were, too: who reads a piece of a file most often reads the next, and would wait for each. */
const READ_AHEAD = 2;

/** Has all of a list come, in its order, and what is wanted before that: the order then goes on behind it, for who reads a file reads on. */
export class Turns {
  readonly #list: readonly Turn[];
  /** Of each: nobody asked, it was asked for in its turn, a guest waits for it, it is here. */
  readonly #states: ('idle' | 'asked' | 'wanted' | 'here')[];
  readonly #all = Promise.withResolvers<void>();
  #next = 0;
  #left: number;
  #asked = 0;
  #isOver = false;
  /** Where the guest that wanted one last reads on. */
  #readsOn = 0;
  /** Of what was asked for ahead of it, what has not come. */
  readonly #aheads = new Set<number>();

  constructor(list: readonly Turn[]) {
    this.#list = list;
    this.#states = list.map(() => 'idle');
    this.#left = list.length;
  }

  /** Resolves when all are here; rejects with what failed first, and asks for nothing after that. */
  all(): Promise<void> {
    if (this.#left === 0) this.#all.resolve();
    this.#ask();
    return this.#all.promise;
  }

  /** A guest waits for one. */
  want(at: number): void {
    const state = this.#states[at];
    if (this.#isOver || state === 'wanted' || state === 'here') return;
    this.#next = at + 1;
    this.#readsOn = at + 1;
    // The last first: each goes to the front of those before it.
    this.#readOn();
    this.#promote(at);
  }

  /** What was asked for in its turn may be far behind: it is asked for anew, before all else. */
  #promote(at: number): Promise<void> {
    this.#states[at] = 'wanted';
    return this.#take(at, true);
  }

  #readOn(): void {
    const found: number[] = [];
    for (let at = this.#readsOn; at < this.#list.length && found.length + this.#aheads.size < READ_AHEAD; at += 1)
      if (this.#states[at] === 'idle' || this.#states[at] === 'asked') found.push(at);
    for (const at of found.reverse()) {
      this.#aheads.add(at);
      void this.#promote(at).finally(() => {
        this.#aheads.delete(at);
        if (!this.#isOver) this.#readOn();
      });
    }
  }

  #ask(): void {
    while (!this.#isOver && this.#asked < AHEAD) {
      const at = this.#idle();
      if (at === null) return;
      this.#next = at + 1;
      this.#states[at] = 'asked';
      this.#asked += 1;
      void this.#take(at, false).finally(() => {
        this.#asked -= 1;
        this.#ask();
      });
    }
  }

  /** The first that nobody asked for, from the next on and then from the beginning. */
  #idle(): number | null {
    const { length } = this.#list;
    for (let step = 0; step < length; step += 1) {
      const at = (this.#next + step) % length;
      if (this.#states[at] === 'idle') return at;
    }
    return null;
  }

  async #take(at: number, urgent: boolean): Promise<void> {
    try {
      await this.#list[at]!.take(urgent);
      if (this.#states[at] === 'here') return;
      this.#states[at] = 'here';
      this.#left -= 1;
      if (this.#left === 0) this.#all.resolve();
    } catch (error) {
      this.#isOver = true;
      this.#all.reject(error);
    }
  }
}

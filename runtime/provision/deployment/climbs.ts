import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import { Climb, type ClimbParts } from './climb.ts';
import { keyOf, type Wish } from './wish.ts';

/** Acts of provisioning that go on, by what they are for: who wishes the same by the same means joins the one that there is. */
export class Climbs {
  readonly #parts: ClimbParts;
  readonly #closing: AbortSignal;
  readonly #begun = new Map<string, Promise<Climb>>();
  readonly #going = new Set<Climb>();
  readonly #tidying = new Set<Promise<void>>();

  /** `closing` gives all of them up. */
  constructor(parts: ClimbParts, closing: AbortSignal) {
    this.#parts = parts;
    this.#closing = closing;
  }

  /** The act for a wish. Whoever gets it follows it in the same turn, else it may have ended before. */
  async for(wish: Wish, user: string): Promise<Climb> {
    const key = keyOf(wish);
    for (;;) {
      const going = this.#begun.get(key);
      if (going === undefined) break;
      const climb = await going;
      if (!climb.isGivenUp) return climb;
      // It was given up and serves nobody who comes now.
      if (this.#begun.get(key) === going) this.#begun.delete(key);
    }
    const forget = () => {
      if (this.#begun.get(key) === begun) this.#begun.delete(key);
    };
    // Until it is among those that go on nothing is removed: what it found here must be here when it is read.
    const begun = this.#parts.store.looks.look(async () => {
      const climb = await Climb.begin(this.#parts, { wish, user }, this.#closing);
      this.#follow(climb, forget);
      return climb;
    });
    this.#begun.set(key, begun);
    begun.catch(forget);
    return await begun;
  }

  /** Whether any of them will read a part. */
  readonly isUsing = (digest: Digest): boolean => [...this.#going].some(({ needs }) => needs.isUsing(digest));

  /** A part came, from whomever. */
  arrived(digest: Digest): void {
    for (const climb of this.#going) climb.arrived(digest);
  }

  /** Resolves when none goes on. */
  async settled(): Promise<void> {
    while (this.#tidying.size > 0) await Promise.allSettled(this.#tidying);
  }

  #follow(climb: Climb, forget: () => void): void {
    this.#going.add(climb);
    const ended = (): void => {
      this.#going.delete(climb);
      forget();
    };
    const tidied = climb.over
      .finally(ended)
      // Something was made of its parts: they go, but for those that another act will read.
      .then(() => this.#parts.store.remove(climb.needs.used(), this.isUsing))
      // What it failed of, its followers tell; parts that could not be removed are swept.
      .catch(() => {})
      .finally(() => this.#tidying.delete(tidied));
    this.#tidying.add(tidied);
  }
}

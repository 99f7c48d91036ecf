import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** Places, and how they are shared. */
export interface FairPlacesOptions {
  /** How many there are. */
  readonly limit: number;
  /** How many one user may have for each that is left for all others. */
  readonly share: number;
  /** What has them, in the plural, for the sentence that refuses. */
  readonly what: string;
  /** What helps, a clause. */
  readonly remedy: string;
  readonly retryAfterS: number;
}

/** A place that a user has. */
export interface HeldPlace {
  /** Idempotent. */
  leave(): void;
  /** Lets it count for another user, however many he has: he is given it, and asked for nothing. */
  passTo(user: string | null): void;
}

/**
 * Places that users take, none of them so many that others find none: with a share of 1 who asks for everything gets a half, the next half of what
 * is left, and whoever comes with nothing finds a place.
 */
export class FairPlaces {
  readonly #options: FairPlacesOptions;
  readonly #taken = new Map<string | null, number>();

  constructor(options: FairPlacesOptions) {
    this.#options = options;
  }

  /** Places that nobody has. */
  get free(): number {
    return this.#options.limit - [...this.#taken.values()].reduce((sum, each) => sum + each, 0);
  }

  /** As `hold`; gives what leaves it again, which is idempotent. */
  take(user: string | null): () => void {
    return this.hold(user).leave;
  }

  /**
   * Takes one. `at-capacity` when all are taken, or the user's share is. Null: nobody's, of which
   * there may be as many as there are places.
   */
  hold(user: string | null): HeldPlace {
    const { limit, share, what } = this.#options;
    const { free } = this;
    const own = this.#taken.get(user) ?? 0;
    if (free <= 0) throw this.#full(`expected at most ${limit} ${what}`);
    if (user !== null && own >= share * free)
      throw this.#full(`expected some of ${limit} ${what} to be left for others (${free}), got one more beside ${own}`);
    this.#taken.set(user, own + 1);
    let holder = user;
    let isLeft = false;
    return {
      leave: () => {
        if (!isLeft) this.#giveBack(holder);
        isLeft = true;
      },
      passTo: (next) => {
        if (isLeft) return;
        this.#giveBack(holder);
        holder = next;
        this.#taken.set(next, (this.#taken.get(next) ?? 0) + 1);
      },
    };
  }

  #giveBack(user: string | null): void {
    const rest = this.#taken.get(user)! - 1;
    if (rest > 0) this.#taken.set(user, rest);
    else this.#taken.delete(user);
  }

  #full(sentence: string): CloudletError {
    const { remedy, retryAfterS } = this.#options;
    return new CloudletError('at-capacity', `${sentence}; ${remedy}`, { retryAfterS });
  }
}

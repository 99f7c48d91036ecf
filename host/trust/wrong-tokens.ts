import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** Wrong tokens that one address may present in `WINDOW_MS` before it is told to wait. */
export const MAX_WRONG_TOKENS = 10;
export const WINDOW_MS = 60_000;

/** Addresses remembered at once; the oldest gives way, so that many addresses cannot fill the memory. */
const MAX_ADDRESSES = 1000;

/**
 * Counts wrong tokens by address. A right token always passes, so nobody can lock the owner out from a shared address;
 * guessing 256 bits is hopeless anyway, and the limit keeps the attempt from filling journal and processor.
 */
export class WrongTokens {
  readonly #byAddress = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Notes a wrong token; throws `too-many-attempts` once the address has used up its tries. */
  note(address: string): void {
    const known = this.#byAddress.get(address);
    const entry =
      known !== undefined && known.until > this.#now() ? known : { count: 0, until: this.#now() + WINDOW_MS };
    entry.count += 1;
    this.#byAddress.delete(address);
    this.#byAddress.set(address, entry);
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value ?? '');
    if (entry.count <= MAX_WRONG_TOKENS) return;
    const retryAfterS = (entry.until - this.#now()) / 1000;
    throw new CloudletError(
      'too-many-attempts',
      `expected at most ${MAX_WRONG_TOKENS} wrong tokens a minute from one address; wait ${Math.ceil(retryAfterS)} s and use the token from the cloudlet's data directory`,
      { retryAfterS },
    );
  }
}

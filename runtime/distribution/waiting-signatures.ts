import { CloudletError, type Digest, type PackageSignature } from '../../guest-sdk/protocol/index.ts';
import { PUSHED_MS } from './pushed-blobs.ts';

/** Signatures at once whose package is to come. */
const MAX_WAITING = 64;

interface Waiting {
  readonly signature: PackageSignature;
  readonly until: number;
}

/** Signatures that came before what they are of, as a pusher must send them where unsigned packages are refused. */
export class WaitingSignatures {
  readonly #now: () => number;
  readonly #waiting = new Map<Digest, Waiting>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Keeps a signature until its package comes, an hour at most. */
  add(signature: PackageSignature): void {
    for (const [digest, { until }] of this.#waiting) if (until <= this.#now()) this.#waiting.delete(digest);
    if (this.#waiting.size >= MAX_WAITING)
      throw new CloudletError(
        'at-capacity',
        `expected at most ${MAX_WAITING} signatures without a package, got one more; push their packages`,
      );
    this.#waiting.set(signature.digest, { signature, until: this.#now() + PUSHED_MS });
  }

  /** The signatures of a package that came. */
  of(subject: Digest): PackageSignature[] {
    const now = this.#now();
    return [...this.#waiting.values()]
      .filter(({ signature, until }) => signature.subject === subject && until > now)
      .map(({ signature }) => signature);
  }

  /** Lets go of those of a package that has them now. */
  release(subject: Digest): void {
    for (const { digest } of this.of(subject)) this.#waiting.delete(digest);
  }
}

import type { Clock } from '../sandbox/clock.ts';

/** Users of one VM that are remembered; whoever has a session chooses how many there are. */
const MAX_USERS = 1000;

/** Who uses a VM: sessions and devices, each until it did not for the time of a lease. */
export class VmUsers {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  /** When each last used it, the least recent first. */
  readonly #uses = new Map<string, number>();

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** How many there are now. */
  get count(): number {
    this.#forgetOld();
    return this.#uses.size;
  }

  note(user: string): void {
    this.#uses.delete(user);
    this.#uses.set(user, this.#clock.now());
    if (this.#uses.size > MAX_USERS) this.#uses.delete(this.#uses.keys().next().value!);
  }

  /** When a user last used it, by the clock; null when it did not within the lease. */
  lastUse(user: string): number | null {
    this.#forgetOld();
    return this.#uses.get(user) ?? null;
  }

  #forgetOld(): void {
    for (const [user, at] of this.#uses) {
      if (this.#clock.now() - at <= this.#leaseMs) return;
      this.#uses.delete(user);
    }
  }
}

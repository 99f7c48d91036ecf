import type { Clock } from '../sandbox/clock.ts';

/** How long a thing lives after its last use: it ends by itself, unless something holds it. */
export class Lease {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #expired: () => void;
  #until: number;
  #holders = 0;
  #cancel: (() => void) | null = null;

  /** Begins now; `expired` is called once, `ms` after the last renewal. */
  constructor(clock: Clock, ms: number, expired: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#expired = expired;
    this.#until = clock.now() + ms;
    this.#wait();
  }

  /** How long it has, milliseconds. */
  get leftMs(): number {
    return this.#holders > 0 ? this.#ms : Math.max(0, this.#until - this.#clock.now());
  }

  /** Lets it live its whole time from now. Cheap: the timer is looked at when it fires. */
  renew(): void {
    this.#until = this.#clock.now() + this.#ms;
  }

  /** Keeps it until the returned function is called, which renews it. */
  hold(): () => void {
    this.#holders += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      this.renew();
    };
  }

  /** It has ended otherwise. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #wait(): void {
    const leftMs = this.leftMs;
    if (leftMs <= 0) {
      this.#expired();
      return;
    }
    this.#cancel = this.#clock.after(leftMs, () => this.#wait());
  }
}

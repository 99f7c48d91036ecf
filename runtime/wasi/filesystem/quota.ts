import { fail } from './error-code.ts';

/** What is left of something that is limited. Taking more throws `insufficient-space` and takes nothing. */
export class Quota {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get left(): number {
    return this.limit - this.#used;
  }

  take(amount: number): void {
    if (amount > this.left) fail('insufficient-space');
    this.#used += amount;
  }

  give(amount: number): void {
    this.#used -= amount;
  }
}

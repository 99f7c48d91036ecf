/** How often something happened lately: since the half window before the present one. No timer, two numbers. */
export class RecentDemand {
  readonly #halfMs: number;
  #half = 0;
  #present = 0;
  #before = 0;

  /** `windowMs`: after how long at most something is no longer recent. */
  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  note(now: number): void {
    this.#turn(now);
    this.#present += 1;
  }

  count(now: number): number {
    this.#turn(now);
    return this.#present + this.#before;
  }

  #turn(now: number): void {
    const half = Math.floor(now / this.#halfMs);
    if (half === this.#half) return;
    this.#before = half === this.#half + 1 ? this.#present : 0;
    this.#present = 0;
    this.#half = half;
  }
}

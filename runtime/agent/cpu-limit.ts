/** The processor time of this thread, from now on. */
export class CpuLimit {
  readonly #limitMs: number;
  readonly #used: () => number;
  readonly #beforeMs: number;
  /** Before this moment it cannot be used up: a thread runs on one processor. */
  #lookAt: number;

  /** `now` as `performance.now` has it; `used`: processor time so far, milliseconds. */
  constructor(limitMs: number, now: number, used: () => number = threadCpuMs) {
    this.#limitMs = limitMs;
    this.#used = used;
    this.#beforeMs = used();
    this.#lookAt = now + limitMs;
  }

  /** Whether more was used than may be. Asks the system only when it is possible. */
  isUsedUp(now: number): boolean {
    if (now < this.#lookAt) return false;
    const leftMs = this.#limitMs - (this.#used() - this.#beforeMs);
    this.#lookAt = now + Math.max(1, leftMs);
    return leftMs < 0;
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

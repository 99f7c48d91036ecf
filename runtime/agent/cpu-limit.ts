/** The processor time of this thread, from the first look on: most invocations come to none, and asking costs a system call. */
export class CpuLimit {
  readonly #limitMs: number;
  readonly #used: () => number;
  #beforeMs: number | null = null;
  /** Before this moment it cannot be used up: a thread runs on one processor. */
  #lookAt = 0;

  /** `used`: processor time so far, milliseconds. */
  constructor(limitMs: number, used: () => number = threadCpuMs) {
    this.#limitMs = limitMs;
    this.#used = used;
  }

  /** Whether more was used than may be; `now` as `performance.now` has it. Asks the system only when it is possible. */
  isUsedUp(now: number): boolean {
    if (now < this.#lookAt) return false;
    const usedMs = this.#used();
    this.#beforeMs ??= usedMs;
    const leftMs = this.#limitMs - (usedMs - this.#beforeMs);
    this.#lookAt = now + Math.max(1, leftMs);
    return leftMs < 0;
  }
}

/** Processor time of this thread so far, milliseconds. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

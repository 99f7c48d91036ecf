/** A seeded source of randomness, so that a failing run can be repeated from the seed that it printed (mulberry32). */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** A copy of the bytes with a few of them changed, removed, repeated or cut off. */
  mutate(bytes: Uint8Array): Uint8Array {
    let copy = bytes.slice();
    for (let times = 1 + this.below(4); times > 0; times--) {
      const at = this.below(copy.length + 1);
      switch (this.below(5)) {
        case 0:
          copy = copy.subarray(0, at);
          break;
        case 1:
          copy = Uint8Array.from([...copy.subarray(0, at), ...this.bytes(this.below(8)), ...copy.subarray(at)]);
          break;
        case 2:
          copy = Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(at + this.below(8))]);
          break;
        default:
          if (copy.length > 0)
            copy[Math.min(at, copy.length - 1)] = this.pick([0, 1, 0x7f, 0x80, 0xff, this.below(256)]);
      }
    }
    return copy;
  }
}

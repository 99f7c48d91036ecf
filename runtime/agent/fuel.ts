import type { Interrupt } from './worker-message.ts';
import { INTERRUPTS } from './worker-message.ts';

/**
 * Fuel between two checkpoints, about one unit an instruction: a few milliseconds of guest time when the processor is emulated,
 * and a checkpoint too rare to cost anything when it is not.
 */
export const FUEL = 2_000_000n;

/** Thrown at a checkpoint, to unwind the guest. */
export class GuestInterrupted extends Error {
  override readonly name = 'GuestInterrupted';
}

/** Decides at every checkpoint of one invocation whether its guest may go on. Once it may not, it never may again. */
export class FuelGauge {
  readonly #cell: Int32Array;
  readonly #deadlineAt: number;
  readonly #passed: () => void;
  #why: Interrupt | null = null;
  #isLate = false;
  #over = false;

  /** `cell` is written by the serving thread; `remainingMs` counts from now. `passed` is called whenever the guest goes on. */
  constructor(cell: Int32Array, remainingMs: number, passed: () => void = () => {}) {
    this.#cell = cell;
    this.#passed = passed;
    this.#deadlineAt = performance.now() + remainingMs;
  }

  /** Why the invocation is interrupted, or null. */
  get why(): Interrupt | null {
    return this.#why;
  }

  /** Whether it was ended because its own time was over, and not from outside. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** The invocation has ended: what is left of its guest, suspended somewhere, ends at its next checkpoint. */
  end(): void {
    this.#over = true;
  }

  interrupt(why: Interrupt): void {
    this.#why ??= why;
  }

  /** The next ration of fuel; throws when there is none. */
  readonly checkpoint = (): bigint => {
    if (!this.#over && this.#why === null) {
      const code = Atomics.load(this.#cell, 0);
      if (code !== 0) this.#why = INTERRUPTS[code - 1] ?? 'client-closed';
      else if (performance.now() > this.#deadlineAt) {
        this.#why = 'deadline-exceeded';
        this.#isLate = true;
      }
    }
    if (this.#over || this.#why !== null) throw new GuestInterrupted('the invocation has ended');
    this.#passed();
    return FUEL;
  };
}

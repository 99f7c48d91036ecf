import type { InterruptCell } from './interrupt-cell.ts';
import type { Interrupt } from './wire.ts';

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
  readonly #cell: InterruptCell;
  readonly #id: number | null;
  readonly #before: number;
  readonly #deadlineAt: number;
  readonly #passed: () => void;
  #why: Interrupt | null = null;
  #isLate = false;
  #over = false;

  /**
   * `cell` is written by the serving thread; `remainingMs` counts from now. With null for `id` it is nobody's invocation, and ends
   * as well when one is interrupted that waits for the worker. `passed` is called whenever the guest goes on.
   */
  constructor(cell: InterruptCell, id: number | null, remainingMs: number, passed: () => void = () => {}) {
    this.#cell = cell;
    this.#id = id === null ? null : id | 0;
    this.#passed = passed;
    this.#before = cell.interruptedId;
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
      const asked = this.#cell.interruptedId;
      if (this.#id === null ? asked !== this.#before : asked === this.#id) this.#why = this.#cell.why;
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

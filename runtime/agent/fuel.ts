// The global of this name is a getter: it costs as much as to look at the clock.
import { performance } from 'node:perf_hooks';
import { CpuLimit, threadCpuMs } from './cpu-limit.ts';
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

/** Why a guest may not go on: it was interrupted, or has used up what it may. */
export type Ending = Interrupt | 'cpu-exceeded';

/** Decides at every checkpoint of one invocation whether its guest may go on. Once it may not, it never may again. */
export class FuelGauge {
  /** When it began, as `performance.now` has it. */
  readonly beganAt: number;
  readonly #cell: InterruptCell;
  readonly #id: number | null;
  readonly #before: number;
  readonly #deadlineAt: number;
  readonly #passed: () => void;
  readonly #cpu: CpuLimit | null;
  #why: Ending | null = null;
  #isLate = false;
  #over = false;

  /**
   * `cell` is written by the serving thread; `remainingMs` counts from now. With null for `id` it is nobody's invocation, and ends
   * as well when one is interrupted that waits for the worker. `passed` is called whenever the guest goes on.
   * `cpuMs` is the processor time that it may take, as `cpuTime` counts it: if nothing else is said, all of the worker's meanwhile.
   */
  constructor(
    cell: InterruptCell,
    id: number | null,
    remainingMs: number,
    passed: () => void = () => {},
    cpuMs: number | null = null,
    cpuTime: () => number = threadCpuMs,
  ) {
    this.#cell = cell;
    this.#id = id === null ? null : id | 0;
    this.#passed = passed;
    this.#before = cell.interruptedId;
    this.beganAt = performance.now();
    this.#deadlineAt = this.beganAt + remainingMs;
    this.#cpu = cpuMs === null || cpuMs >= remainingMs ? null : new CpuLimit(cpuMs, cpuTime);
  }

  /** Why the invocation is interrupted, or null. */
  get why(): Ending | null {
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

  #look(now: number): void {
    if (now > this.#deadlineAt) this.#why = 'deadline-exceeded';
    else if (this.#cpu?.isUsedUp(now) === true) this.#why = 'cpu-exceeded';
    else return;
    this.#isLate = true;
  }

  /** The next ration of fuel; throws when there is none. */
  readonly checkpoint = (): bigint => {
    if (!this.#over && this.#why === null) {
      const asked = this.#cell.interruptedId;
      if (this.#id === null ? asked !== this.#before : asked === this.#id) this.#why = this.#cell.why;
      else this.#look(performance.now());
    }
    if (this.#over || this.#why !== null) throw new GuestInterrupted('the invocation has ended');
    this.#passed();
    return FUEL;
  };
}

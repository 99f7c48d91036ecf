import { setFlagsFromString } from 'node:v8';
import { threadCpuMs } from './cpu-limit.ts';

/** What makes faster code of functions that are often called. WebAssembly has an optimizer of its own, which goes on. */
const OPTIMIZERS = ['sparkplug', 'maglev', 'turbofan'] as const;

/** What a worker does before they are worth while: most clones do less in their life. The time is a dozen first calls under emulation. */
export const ENOUGH = { invocations: 100, cpuMs: 500 } as const;

/**
 * Calls of a function until the engine looks at it again, while no compiler but the last could take it: `plain` is the engine's own number, `resting` the one
 * meanwhile. What a function was told while they rested holds after their end, too: with three thousand, a machine interpreted all that it had rehearsed
 * for as many invocations.
 */
const LOOK_CALLS = { plain: 3000, resting: 100 } as const;
const LOOK_CALLS_FLAG = '--invocation-count-for-turbofan';

/**
 * The rest of the engine's optimizing compilers in a clone that has done little. Some function is always about to be optimized when a
 * snapshot is taken, and every clone would do so in its first invocation: under emulation all of a compiler's code has to be translated for that.
 */
export class OptimizerRest {
  readonly #usedMs: () => number;
  /** Invocations until its end; 0: they do not rest. */
  #left = 0;
  #beforeMs = 0;
  #isWatching = false;
  #isRehearsal = false;

  /** `usedMs`: processor time of the worker so far. */
  constructor(usedMs: () => number = threadCpuMs) {
    this.#usedMs = usedMs;
  }

  /** From now on, for all threads of the process: a snapshot is about to be taken. */
  begin(): void {
    this.#isWatching = false;
    this.#left = ENOUGH.invocations;
    this.#beforeMs = this.#usedMs();
    for (const name of OPTIMIZERS) setFlagsFromString(`--no-${name}`);
    setFlagsFromString(`${LOOK_CALLS_FLAG}=${LOOK_CALLS.resting}`);
  }

  /**
   * An invocation of this worker has begun, which may last. A rehearsal never ends the rest: what it has compiled, a clone would have to translate.
   * It is told all the same, so that no clone runs this for the first time. There is no timer for it: to make one and to call it off is a
   * fiftieth of what an emulator translates for a first call.
   */
  watch(isRehearsal: boolean): void {
    this.#isRehearsal = isRehearsal;
    this.#isWatching = this.#left > 0;
  }

  /** A guest has computed for a while, or is told something. */
  look(): void {
    if (!this.#isWatching) return;
    const usedMs = this.#usedMs() - this.#beforeMs;
    if (usedMs > ENOUGH.cpuMs && !this.#isRehearsal) this.#end();
  }

  /** One that was watched is over; `isLast`: no other runs. */
  count(isLast: boolean): void {
    if (this.#left === 0) return;
    if (!this.#isRehearsal) this.#left -= 1;
    if (this.#left === 0) this.#end();
    else this.look();
    if (isLast) this.#isWatching = false;
  }

  #end(): void {
    this.#left = 0;
    this.#isWatching = false;
    for (const name of OPTIMIZERS) setFlagsFromString(`--${name}`);
    setFlagsFromString(`${LOOK_CALLS_FLAG}=${LOOK_CALLS.plain}`);
  }
}

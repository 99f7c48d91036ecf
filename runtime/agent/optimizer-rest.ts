import { setFlagsFromString } from 'node:v8';

/** What makes faster code of functions that are often called. WebAssembly has an optimizer of its own, which goes on. */
const OPTIMIZERS = ['sparkplug', 'maglev', 'turbofan'] as const;

/** Invocations of a worker after which it is worth while: most clones have fewer in their life. */
export const ENOUGH_INVOCATIONS = 100;

/**
 * The rest of the engine's optimizing compilers in a clone that has served little. Some function is always about to be optimized when a
 * snapshot is taken, and every clone would do so in its first invocation: under emulation all of a compiler's code has to be translated for that.
 */
export class OptimizerRest {
  #left = 0;

  /** From now on, for all threads of the process: a snapshot is about to be taken. */
  begin(): void {
    this.#left = ENOUGH_INVOCATIONS;
    for (const name of OPTIMIZERS) setFlagsFromString(`--no-${name}`);
  }

  /** An invocation of this worker is over. */
  count(): void {
    if (this.#left === 0) return;
    this.#left -= 1;
    if (this.#left === 0) for (const name of OPTIMIZERS) setFlagsFromString(`--${name}`);
  }
}

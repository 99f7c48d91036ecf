import type { ReuseLimits } from '../agent/wire.ts';

/** How the instances of an asynchronous component are used again unless its version says otherwise. */
export const DEFAULT_REUSE: ReuseLimits = { invocations: 128, atOnce: 16, idleMs: 1000 };

/** Checks limits that a version says; throws `TypeError` when they are none. */
export function checkReuse(reuse: ReuseLimits): ReuseLimits {
  for (const [name, least, most] of [
    ['invocations', 1, 1_000_000],
    ['atOnce', 1, 1024],
    ['idleMs', 0, 3_600_000],
  ] as const) {
    const value = reuse[name];
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new TypeError(`expected reuse.${name} to be a whole number from ${least} to ${most}, got ${value}`);
    }
  }
  return reuse;
}

/** How much structure plain data from outside may have. A few bytes of text can ask for much memory, and depth costs stack. */
export interface ValueLimits {
  /** Arrays and objects within one another. */
  readonly depth: number;
  /** Values in all: numbers, strings, arrays, objects, object keys. */
  readonly nodes: number;
}

/** Limits that no sensible call meets: a value costs up to about 40 bytes once it is decoded. */
export const VALUE_LIMITS: ValueLimits = { depth: 100, nodes: 4_000_000 };

/** `wasi:clocks/wall-clock#datetime`. */
export interface Datetime {
  readonly seconds: bigint;
  /** Below 1e9. */
  readonly nanoseconds: number;
}

/** The datetime of a number of milliseconds since 1970; times before are 1970. */
export function datetimeOf(ms: number): Datetime {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const nanoseconds = Math.min(999_999_999, Math.max(0, Math.round((ms - seconds * 1000) * 1e6)));
  return { seconds: BigInt(seconds), nanoseconds };
}

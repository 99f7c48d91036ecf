/** How the instances of an asynchronous component are used again. */
export interface ReuseLimits {
  /** Invocations that one instance serves. */
  readonly invocations: number;
  /** How many of them at once. */
  readonly atOnce: number;
  /** How long it may serve nobody, milliseconds. */
  readonly idleMs: number;
}

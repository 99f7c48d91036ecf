import type { Limits } from '../../../guest-sdk/protocol/index.ts';

/** A lane at a moment, as far as it decides how many sandboxes it wants. Times are milliseconds. */
export interface LaneLoad {
  /** Invocations that wait, and for how long the first of them has. */
  readonly waiting: number;
  readonly oldestMs: number;
  /** For how long somebody has waited without a pause. */
  readonly shortMs: number;
  /** Places of sandboxes that are being started or resumed, and of one more. */
  readonly placesToCome: number;
  readonly placesEach: number;
  /** Sandboxes that it has or will have, and may have. */
  readonly held: number;
  readonly sandboxes: number;
  /** When all who wait now would have been served by the sandboxes there are, and what a start took last. */
  readonly drainMs: number;
  readonly startMs: number;
  readonly patienceMs: number;
  /** More sandboxes would not help: those there are have all processors, or places to spare. */
  readonly isEnough: boolean;
}

/**
 * How many sandboxes a lane wants now. One that has none wants one at once. One that has some wants more when somebody has waited
 * for long and a start would help: those who wait would wait longer for the present ones, or it goes on like this for as long as a
 * start takes. Pure.
 */
export function sandboxesWanted(load: LaneLoad): number {
  const { waiting, placesToCome, placesEach, held, sandboxes, patienceMs } = load;
  const short = waiting - placesToCome;
  if (short <= 0 || held >= sandboxes) return 0;
  if (held > 0) {
    if (load.isEnough) return 0;
    const isFaster = load.drainMs > load.startMs && load.oldestMs >= patienceMs;
    const goesOn = load.shortMs >= Math.max(patienceMs, load.startMs);
    if (!isFaster && !goesOn) return 0;
  }
  return Math.min(sandboxes - held, Math.ceil(short / placesEach));
}

/** Limits of a function that bound its lane. */
type LaneLimits = Pick<Limits, 'concurrency' | 'instances'>;

/** Invocations that one sandbox of a function may have at once. Pure. */
export function placesAllowed({ concurrency, instances }: LaneLimits): number {
  return Math.min(concurrency, instances);
}

/** Sandboxes that a function may have, of those that any may have: all their places together are its `instances`. Pure. */
export function sandboxesAllowed(ofAny: number, limits: LaneLimits): number {
  return Math.min(ofAny, Math.max(1, Math.floor(limits.instances / placesAllowed(limits))));
}

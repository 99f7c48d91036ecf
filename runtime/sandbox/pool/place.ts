import type { Rung } from '../rung.ts';
import type { Sandbox } from '../sandbox.ts';

/** A place in a sandbox, for one invocation. */
export interface Place {
  readonly sandbox: Sandbox;
  readonly timing: PlaceTiming;
  /** Gives the place back, and says for how long the guest ran in it, milliseconds; null when the invocation was sent away. Once. */
  readonly leave: (ranMs: number | null) => void;
}

/** How long an invocation waited for its place, milliseconds. */
export interface PlaceTiming {
  /** Waiting for other invocations or for a machine. */
  readonly queueMs: number;
  /** Waiting for a sandbox to start or to go on; 0 when one was there. */
  readonly startMs: number;
  readonly start: Rung;
}

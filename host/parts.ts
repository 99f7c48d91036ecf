import type { Cloudlet, CloudletLimits } from '../runtime/index.ts';
import type { Journal } from './journal.ts';
import type { Metrics } from './metrics.ts';
import type { Trust } from './trust/index.ts';

/** The engine as the host sees it: the public members of `Cloudlet` and nothing else. */
export type Engine = { readonly [K in keyof Cloudlet]: Cloudlet[K] };

/** What the routes work with; made in `main.ts`, or by a test. */
export interface HostParts {
  readonly cloudlet: Engine;
  readonly limits: CloudletLimits;
  readonly trust: Trust;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** Aborts when the host begins to shut down: new work is refused, streams of events end. */
  readonly draining: AbortSignal;
}

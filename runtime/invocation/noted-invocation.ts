import type { Door, RecentInvocation } from '../../guest-sdk/protocol/index.ts';
import type { Rung } from '../sandbox/index.ts';
import { traceIdOf } from './trace.ts';

/** What is to be known of an invocation while it runs and for a while after. */
export interface NotedInvocation {
  /** A UUID. */
  readonly id: string;
  readonly version: { readonly name: string; readonly version: number };
  readonly door: Door;
  readonly target: string | undefined;
  /** Milliseconds since 1970. */
  readonly beganAtMs: number;
  /** Null while it runs. */
  readonly durationMs: number | null;
  readonly outcome: RecentInvocation['outcome'];
  /** Its caller's trace; null when one began with it. */
  readonly callerTrace: string | null;
  readonly start: Rung | undefined;
}

/** As it is told. */
export function recentInvocation(noted: NotedInvocation): RecentInvocation {
  const { id, version, door, target, beganAtMs, durationMs, outcome, callerTrace, start } = noted;
  return {
    id,
    trace: callerTrace ?? traceIdOf(id),
    function: version.name,
    version: version.version,
    door,
    ...(target === undefined ? {} : { target }),
    startedAt: new Date(beganAtMs).toISOString(),
    durationMs,
    outcome,
    ...(start === undefined ? {} : { start }),
  };
}

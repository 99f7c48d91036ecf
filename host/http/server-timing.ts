import type { InvocationTiming } from '../../runtime/index.ts';

/** `Server-Timing` of an invocation: `queue;dur=0.1, start;dur=84.2;desc="boot", run;dur=3`, milliseconds; `run` only once it is known. */
export function serverTiming(timing: InvocationTiming, runMs?: number): string {
  const run = runMs === undefined ? '' : `, run;dur=${figure(runMs)}`;
  return `queue;dur=${figure(timing.queueMs)}, start;dur=${figure(timing.startMs)};desc="${timing.start}"${run}`;
}

function figure(ms: number): string {
  return String(Math.round(ms * 1000) / 1000);
}

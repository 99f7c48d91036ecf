import { parseName } from '../../guest-sdk/protocol/index.ts';
import { type InvokedEvent, parseTraceParent } from '../../runtime/index.ts';
import { traceOf } from '../../runtime/invocation/trace.ts';

const id = '0af76519-16cd-43dd-8448-eb211c80319c';

/** A caller's place in a trace. */
export const parent = parseTraceParent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'vendor=1')!;

/** An invocation that waited 2 ms, started for 10 ms and ran for 12.5 ms, in a trace that began with it. */
export const invoked: InvokedEvent = {
  id,
  name: parseName('hello'),
  version: 2,
  door: 'http',
  target: undefined,
  method: 'GET',
  status: 200,
  outcome: 'ok',
  trace: traceOf(id, null, () => true),
  beganAtMs: 1_800_000_000_000,
  durationMs: 25,
  place: { queueMs: 2, startMs: 10, start: 'boot', afterMs: 12 },
  runMs: 12.5,
};

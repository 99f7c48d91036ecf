import { type InvocationIdentity, parseTraceParent, type TraceParent } from '../../runtime/index.ts';
import type { AskedHeader } from './invoke-options.ts';

/** The place in a trace that a request's caller gives (W3C Trace Context); null when it gives none, or one that is not valid. */
export function traceParent(asked: AskedHeader): TraceParent | null {
  const given = asked.header('traceparent');
  return given === undefined ? null : parseTraceParent(given, asked.header('tracestate'));
}

/** Headers that name an invocation, and the version that it is of, in every answer to it, good or bad. */
export function invocationHeaders({ id, traceparent, version }: InvocationIdentity): {
  readonly 'cloudlet-invocation-id': string;
  readonly 'cloudlet-version': string;
  readonly traceparent: string;
} {
  return { 'cloudlet-invocation-id': id, 'cloudlet-version': String(version), traceparent };
}

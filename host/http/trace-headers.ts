import type { Context } from 'hono';
import { type InvocationIdentity, parseTraceParent, type TraceParent } from '../../runtime/index.ts';
import type { HostContext } from './connection.ts';

/** The place in a trace that a request's caller gives (W3C Trace Context); null when it gives none, or one that is not valid. */
export function traceParent(c: Context<HostContext>): TraceParent | null {
  return parseTraceParent(c.req.header('traceparent'), c.req.header('tracestate'));
}

/** Headers that name an invocation, and the version that it is of, in every answer to it, good or bad. */
export function invocationHeaders({ id, traceparent, version }: InvocationIdentity): {
  readonly 'cloudlet-invocation-id': string;
  readonly 'cloudlet-version': string;
  readonly traceparent: string;
} {
  return { 'cloudlet-invocation-id': id, 'cloudlet-version': String(version), traceparent };
}

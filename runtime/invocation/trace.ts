/** Where invocations stand in traces: W3C Trace Context, parsed strictly and written as version 00. Pure. */

/** What a caller's `traceparent` and `tracestate` say. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The caller's span, 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The caller says that the id of the trace was drawn at random (level 2 of the standard). */
  readonly random: boolean;
  /** What others who trace want passed on, as `tracestate` carries it; null when there is none. */
  readonly state: string | null;
}

/** An invocation's own span in a trace, and what those it calls are told of it. */
export interface InvocationTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** The caller's span; null when the trace began here. */
  readonly parentSpanId: string | null;
  readonly traceparent: string;
  readonly tracestate: string | null;
}

/** Decides whether the spans of a trace are kept; `parent` is null when it begins here. */
export type TraceSampler = (traceId: string, parent: TraceParent | null) => boolean;

/** Keeps no trace by itself, and tells others what it was told. */
export const followParent: TraceSampler = (_traceId, parent) => parent?.sampled === true;

const VERSION_0 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** What a later version must still begin with, so that it can be read as far as this one goes. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

const SAMPLED = 0x01;
const RANDOM = 0x02;

/**
 * Reads the two headers of a request; null when `traceparent` is missing or not valid, and then the trace begins anew. A `tracestate`
 * that is not valid is dropped alone. Several `traceparent` fields come joined by a comma, which is not valid either.
 */
export function parseTraceParent(traceparent: string | undefined, tracestate: string | undefined): TraceParent | null {
  if (traceparent === undefined) return null;
  const match = VERSION_0.exec(traceparent) ?? LATER_VERSION.exec(traceparent);
  if (match === null) return null;
  const [, traceId, spanId, flags] = match as unknown as readonly [string, string, string, string];
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  const bits = Number.parseInt(flags, 16);
  const state = tracestate === undefined ? null : parseTraceState(tracestate);
  return { traceId, spanId, sampled: (bits & SAMPLED) !== 0, random: (bits & RANDOM) !== 0, state };
}

/** Entries of a `tracestate`: more, and the standard has all of it dropped. */
const MAX_STATE_MEMBERS = 32;
const STATE_MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** A `tracestate` in its shortest form; null when it is not valid or has no entry. */
function parseTraceState(text: string): string | null {
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > MAX_STATE_MEMBERS) return null;
  if (!members.every((member) => STATE_MEMBER.test(member))) return null;
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  return keys.size === members.length ? members.join(',') : null;
}

/**
 * The trace of an invocation. All ids are parts of the invocation's own, a random UUID, so that either is found by the other and none
 * has to be drawn: its span is the last 16 digits, a trace that begins here all 32. Neither can be zero, a UUID has bits that are set.
 */
export function traceOf(invocation: string, parent: TraceParent | null, sample: TraceSampler): InvocationTrace {
  const spanId = invocation.slice(19, 23) + invocation.slice(24);
  const traceId = parent?.traceId ?? traceIdOf(invocation);
  const sampled = sample(traceId, parent);
  const flags = (sampled ? SAMPLED : 0) | (parent?.random === true ? RANDOM : 0);
  return {
    traceId,
    spanId,
    sampled,
    parentSpanId: parent?.spanId ?? null,
    traceparent: `00-${traceId}-${spanId}-0${flags}`,
    tracestate: parent?.state ?? null,
  };
}

/** The trace that begins with an invocation. */
export function traceIdOf(invocation: string): string {
  const [first, second, third] = [invocation.slice(0, 8), invocation.slice(9, 13), invocation.slice(14, 18)];
  return first + second + third + invocation.slice(19, 23) + invocation.slice(24);
}

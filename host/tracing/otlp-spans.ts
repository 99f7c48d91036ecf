/** Invocations as spans of the OpenTelemetry protocol, in JSON. Pure but for the ids of the children. */
import { randomBytes } from 'node:crypto';
import { ERRORS, isErrorCode } from '../../guest-sdk/protocol/index.ts';
import type { InvokedEvent } from '../../runtime/index.ts';

/** A value of an attribute; whole numbers are texts, since JSON's do not hold 64 bits. */
type AnyValue = { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };
interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

/** A span as OTLP has it. Times are nanoseconds since 1970. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

const INTERNAL = 1;
const SERVER = 2;
const STATUS_ERROR = 2;

/** Bits of a span's flags beyond those of the trace: that it is known whether the parent is elsewhere, and that it is. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** Methods that may be an attribute; others are of a caller's choice, and without number. */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
]);

/** How many spans `invocationSpans` makes of an invocation. */
export function countSpans({ place }: InvokedEvent): number {
  return place === undefined ? 2 : 4;
}

/** The span of an invocation, and what it consisted of: waiting for a place, for a sandbox to start, and the guest. */
export function invocationSpans(event: InvokedEvent): OtlpSpan[] {
  const { trace, beganAtMs, durationMs, place, runMs } = event;
  const endAtMs = beganAtMs + durationMs;
  const whole: OtlpSpan = {
    ...placeInTrace(event),
    spanId: trace.spanId,
    name: nameOf(event),
    kind: SERVER,
    ...times(beganAtMs, endAtMs),
    attributes: attributesOf(event),
    status: statusOf(event),
  };
  const child = (name: string, fromMs: number, toMs: number, attributes: readonly Attribute[] = []): OtlpSpan => ({
    traceId: trace.traceId,
    spanId: newSpanId(),
    parentSpanId: trace.spanId,
    flags: 1 | HAS_IS_REMOTE,
    name,
    kind: INTERNAL,
    ...times(fromMs, toMs),
    attributes,
    status: {},
  });
  if (place === undefined) return [whole, child('queue', beganAtMs, endAtMs)];
  const enteredAtMs = beganAtMs + place.afterMs;
  const startedAtMs = enteredAtMs - place.startMs;
  return [
    whole,
    child('queue', startedAtMs - place.queueMs, startedAtMs),
    child('start', startedAtMs, enteredAtMs, [text('cloudlet.start', place.start)]),
    child('run', enteredAtMs, runMs === undefined ? endAtMs : enteredAtMs + runMs),
  ];
}

function placeInTrace({ trace }: InvokedEvent): Pick<OtlpSpan, 'traceId' | 'parentSpanId' | 'traceState' | 'flags'> {
  return {
    traceId: trace.traceId,
    ...(trace.parentSpanId === null ? {} : { parentSpanId: trace.parentSpanId }),
    ...(trace.tracestate === null ? {} : { traceState: trace.tracestate }),
    flags:
      Number.parseInt(trace.traceparent.slice(-2), 16) | HAS_IS_REMOTE | (trace.parentSpanId === null ? 0 : IS_REMOTE),
  };
}

function nameOf({ door, name, target, method }: InvokedEvent): string {
  switch (door) {
    case 'http':
      return `${knownMethod(method) === '_OTHER' ? 'HTTP' : method} /f/${name}`;
    case 'call':
      return `call ${name} ${target}`;
    case 'run':
      return `run ${name}`;
    default:
      return door satisfies never;
  }
}

/** Nothing of what went in or came out: no path, no query, no header. */
function attributesOf({ id, name, version, door, target, method, status, outcome, place }: InvokedEvent): Attribute[] {
  const answered = status ?? (isErrorCode(outcome) ? ERRORS[outcome].status : 200);
  return [
    text('faas.name', name),
    text('faas.version', String(version)),
    text('faas.invocation_id', id),
    text('faas.trigger', 'http'),
    text('cloudlet.door', door),
    ...(target === undefined ? [] : [text('cloudlet.export', target)]),
    ...(place === undefined
      ? []
      : [text('cloudlet.start', place.start), flag('faas.coldstart', !/^(idle|restored)$/.test(place.start))]),
    ...(door === 'http' ? [text('http.request.method', knownMethod(method)), text('http.route', `/f/${name}`)] : []),
    { key: 'http.response.status_code', value: { intValue: String(answered) } },
    ...(outcome === 'ok' ? [] : [text('error.type', outcome)]),
  ];
}

/** A caller's fault is no error of the server. */
function statusOf({ outcome }: InvokedEvent): OtlpSpan['status'] {
  if (!isErrorCode(outcome) || ERRORS[outcome].fault === 'caller') return {};
  return { code: STATUS_ERROR, message: ERRORS[outcome].title };
}

function knownMethod(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : '_OTHER';
}

/** An attribute whose value is a text. */
export function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: value } };
}

function flag(key: string, value: boolean): Attribute {
  return { key, value: { boolValue: value } };
}

function times(fromMs: number, toMs: number): Pick<OtlpSpan, 'startTimeUnixNano' | 'endTimeUnixNano'> {
  return { startTimeUnixNano: nanoseconds(fromMs), endTimeUnixNano: nanoseconds(Math.max(fromMs, toMs)) };
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

function newSpanId(): string {
  for (;;) {
    const id = randomBytes(8).toString('hex');
    if (!/^0+$/.test(id)) return id;
  }
}

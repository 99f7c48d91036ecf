import type { HeaderPair, Invocation, InvocationEnd } from '../../runtime/index.ts';
import { type AnswerHeaders, GUEST_CONTENT_POLICY, headersFromGuest } from './guest-headers.ts';
import { PROTECTION } from './protection.ts';
import { serverTiming } from './server-timing.ts';
import { notAsDeclared } from './streamed-body.ts';

/** Protecting fields that a function's own stand in place of; beside the others they stand. */
const OURS_UNLESS_GIVEN: readonly string[] = ['x-frame-options', 'referrer-policy', 'cross-origin-resource-policy'];

/** An http answer that is sent at once. */
export interface WholeAnswer {
  /** Names and values in turn, each name once; but `__proto__`, which no object can hold, as often as the function gave it. */
  readonly header: readonly string[];
  readonly body: Uint8Array;
  /** Whether its length is among its fields, as the function gave it or behind a `Content-Disposition`. */
  readonly hasLength: boolean;
  /** Whether an object that is made of its fields has them in this order: numbers come first there, and `__proto__` does not come. */
  readonly isOrdinary: boolean;
  readonly common: Common;
}

/** What of an http answer must be there for it to be sent at once. */
export interface WholeParts {
  readonly headers: AnswerFields;
  /** All of its body, when that has come; null when it has not, or is not sent. */
  readonly whole: Uint8Array | null;
  /** Its end, when all of it has come. */
  readonly end: InvocationEnd | null;
}

/** An http answer that has come whole, protected, all its timing in the head; null when it has not, or has trailers. */
export function wholeAnswer(invocation: Invocation, { headers, whole, end }: WholeParts): WholeAnswer | null {
  if (whole === null || end === null || end.trailers.length > 0) return null;
  const { contentLength } = headers;
  if (contentLength !== null && contentLength !== whole.length) throw notAsDeclared(contentLength, whole.length);
  const { common } = headers;
  const header = common.header.slice();
  const version = String(invocation.version);
  header[ID_AT] = invocation.id;
  header[VERSION_AT] = version;
  header[TRACE_AT] = invocation.traceparent;
  header[FUNCTION_VERSION_AT] = version;
  header[TIMING_AT] = `${serverTiming(invocation.timing, end.runMs)}${common.timing}`;
  if (contentLength === null && common.hasDisposition) header.push('content-length', String(whole.length));
  const hasLength = contentLength !== null || common.hasDisposition;
  return { header, body: whole, hasLength, isOrdinary: common.isOrdinary, common };
}

/** What the answers with the same fields of a function have in common. */
export interface Common {
  /** Their header, without what differs. */
  readonly header: string[];
  /** What the function adds to the timing. */
  readonly timing: string;
  readonly isOrdinary: boolean;
  /** Their lines before those that differ, and behind them. */
  readonly before: string;
  readonly behind: string;
  readonly isDated: boolean;
  /** Of a `Content-Disposition` Node reads the bytes as UTF-8, which they need not be, once it knows the length of the body; so the length comes behind it. */
  readonly hasDisposition: boolean;
}

/** The lines of an answer's header fields. */
export function headerLines({ header, common }: WholeAnswer): string {
  const { length } = common.header;
  return (
    `${common.before}cloudlet-invocation-id: ${header[ID_AT]}\r\ncloudlet-version: ${header[VERSION_AT]}\r\ntraceparent: ${header[TRACE_AT]}\r\n` +
    `cloudlet-function-version: ${header[FUNCTION_VERSION_AT]}\r\nserver-timing: ${header[TIMING_AT]}\r\n${common.behind}${header.length === length ? '' : linesOf(header, length, header.length)}`
  );
}

/** A component's header fields, made safe to send, and what all whole answers that have them are sent with. */
export class AnswerFields implements AnswerHeaders {
  readonly fields: AnswerHeaders['fields'];
  readonly contentLength: number | null;
  readonly stripped: readonly string[];
  #common: Common | null = null;

  /** `guest-response-invalid` when they are not HTTP or too many. */
  constructor(pairs: readonly HeaderPair[]) {
    const { fields, contentLength, stripped } = headersFromGuest(pairs);
    this.fields = fields;
    this.contentLength = contentLength;
    this.stripped = stripped;
  }

  get common(): Common {
    this.#common ??= commonOf(this.fields);
    return this.#common;
  }
}

// biome-ignore format: pairs
const OURS: readonly string[] = [
  'content-security-policy', GUEST_CONTENT_POLICY,
  'x-content-type-options', PROTECTION['x-content-type-options'],
  'x-frame-options', PROTECTION['x-frame-options'],
  'referrer-policy', PROTECTION['referrer-policy'],
  'cross-origin-resource-policy', PROTECTION['cross-origin-resource-policy'],
  'cloudlet-invocation-id', '',
  'cloudlet-version', '',
  'traceparent', '',
  'cloudlet-function-version', '',
  'server-timing', '',
];
const [ID_AT, VERSION_AT, TRACE_AT, FUNCTION_VERSION_AT, TIMING_AT] = [
  'cloudlet-invocation-id',
  'cloudlet-version',
  'traceparent',
  'cloudlet-function-version',
  'server-timing',
].map((name) => placeOf(OURS, name) + 1) as [number, number, number, number, number];

function commonOf(fields: AnswerHeaders['fields']): Common {
  const header = OURS.slice();
  let instead = OURS_UNLESS_GIVEN;
  for (const [name, value] of fields) {
    const at = name === '__proto__' ? -1 : placeOf(header, name);
    if (at === -1) header.push(name, value);
    else if (instead.includes(name)) {
      instead = instead.filter((each) => each !== name);
      header[at + 1] = value;
    } else header[at + 1] = `${header[at + 1]}, ${value}`;
  }
  if (placeOf(header, 'content-type') === -1) header.push('content-type', 'application/octet-stream');
  const [disposition, length] = [placeOf(header, 'content-disposition'), placeOf(header, 'content-length')];
  if (length !== -1 && length < disposition) header.push(...header.splice(length, 2));
  const isOrdinary = fields.every(([name]) => !/^(?:\d|__proto__$)/.test(name));
  const [before, behind] = [linesOf(header, 0, ID_AT - 1), linesOf(header, TIMING_AT + 1, header.length)];
  return {
    ...{ header, timing: header[TIMING_AT]!, isOrdinary, before, behind },
    isDated: placeOf(header, 'date') !== -1,
    hasDisposition: disposition !== -1,
  };
}

function linesOf(header: readonly string[], from: number, to: number): string {
  let lines = '';
  for (let at = from; at < to; at += 2) lines += `${header[at]}: ${header[at + 1]}\r\n`;
  return lines;
}

function placeOf(header: readonly string[], name: string): number {
  for (let at = 0; at < header.length; at += 2) if (header[at] === name) return at;
  return -1;
}

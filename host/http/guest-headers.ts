import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { type HeaderPair, HOP_BY_HOP } from '../../runtime/index.ts';
import type { RawHeaders } from './raw-headers.ts';

/** What proves the caller to the cloudlet is not for the function: it could keep it and act as the owner. */
const OURS: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'cookie',
  'cloudlet-deadline-ms',
  'idempotency-key',
  // The engine gives the function its own, with the invocation as parent.
  'traceparent',
  'tracestate',
]);

/** Fields of an answer that are the cloudlet's to set, and must not come twice. */
const OURS_IN_ANSWERS: ReadonlySet<string> = new Set(['traceparent']);

/**
 * What would let a function act on the origin that it shares with the cloudlet's own page: set or clear cookies and storage, open the
 * origin to other sites, move it to another transport, or have the browser report about it.
 */
const ORIGIN_WIDE: ReadonlySet<string> = new Set([
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  'public-key-pins',
  'nel',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'origin-agent-cluster',
]);

/** Fields of a function's answer, and their bytes together. The guest chooses them, the cloudlet pays. */
const MAX_FIELDS = 256;
const MAX_FIELD_BYTES = 64 * 1024;

/** Scripts of a function's page run without our origin: no cookie of ours, no storage, no reading of our answers. */
export const GUEST_CONTENT_POLICY = 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads';

/** Headers as they go to a component. */
export function headersForGuest(raw: RawHeaders): HeaderPair[] {
  let named: Set<string> | null = null;
  for (let at = 0; at < raw.length; at += 2) if (isConnection(raw[at]!)) named = nominated(raw[at + 1]!, named);
  const passed: HeaderPair[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || OURS.has(name) || named?.has(name) === true) continue;
    passed.push([name, Buffer.from(raw[at + 1]!, 'latin1')]);
  }
  return passed;
}

/** A component's fields, made safe to send. */
export interface AnswerHeaders {
  readonly fields: readonly (readonly [string, string])[];
  /** Length of the body as the component declared it. */
  readonly contentLength: number | null;
  /** Names that were taken out because they reach beyond the function. */
  readonly stripped: readonly string[];
}

/** Headers as they leave a component; `guest-response-invalid` when they are not HTTP or too many. */
export function headersFromGuest(pairs: readonly HeaderPair[]): AnswerHeaders {
  checkSize(pairs);
  const all = new Array<readonly [string, string]>(pairs.length);
  let named: Set<string> | null = null;
  for (let at = 0; at < pairs.length; at += 1) {
    const name = pairs[at]![0].toLowerCase();
    const value = latin1(pairs[at]![1]);
    checkField(name, value);
    if (isConnection(name)) named = nominated(value, named);
    all[at] = [name, value];
  }
  const stripped: string[] = [];
  const fields: (readonly [string, string])[] = [];
  for (const field of all) {
    const [name] = field;
    if (HOP_BY_HOP.has(name) || OURS_IN_ANSWERS.has(name) || named?.has(name) === true) continue;
    if (!isOriginWide(name)) fields.push(field);
    else if (!stripped.includes(name)) stripped.push(name);
  }
  return { fields, contentLength: lengthOf(fields), stripped };
}

function isOriginWide(name: string): boolean {
  return ORIGIN_WIDE.has(name) || name.startsWith('access-control-') || name.startsWith('cloudlet-');
}

/** Trailers of a component: like headers, without those that frame or describe the message itself. */
export function trailersFromGuest(pairs: readonly HeaderPair[]): readonly (readonly [string, string])[] {
  return headersFromGuest(pairs).fields.filter(
    ([name]) => !/^(content-|host$|location$|www-authenticate$|cache-control$|server-timing$)/.test(name),
  );
}

function lengthOf(fields: readonly (readonly [string, string])[]): number | null {
  if (!fields.some(([name]) => name === 'content-length')) return null;
  const lengths = fields.filter(([name]) => name === 'content-length').map(([, value]) => value);
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0]!)) {
    throw new CloudletError(
      'guest-response-invalid',
      `expected one content-length that is a number from the function, got ${JSON.stringify(lengths.join(', ').slice(0, 80))}`,
    );
  }
  return Number(lengths[0]);
}

function checkSize(pairs: readonly HeaderPair[]): void {
  let bytes = 0;
  for (const [name, value] of pairs) bytes += name.length + value.length;
  if (pairs.length <= MAX_FIELDS && bytes <= MAX_FIELD_BYTES) return;
  throw new CloudletError(
    'guest-response-invalid',
    `expected at most ${MAX_FIELDS} header fields of ${MAX_FIELD_BYTES} bytes from the function, got ${pairs.length} of ${bytes}`,
  );
}

function checkField(name: string, value: string): void {
  if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return;
  throw new CloudletError(
    'guest-response-invalid',
    `expected HTTP header fields from the function, got ${JSON.stringify(name.slice(0, 60))} with a name or value that HTTP does not allow`,
  );
}

const CONNECTION = 'connection';

function isConnection(name: string): boolean {
  return name.length === CONNECTION.length && name.toLowerCase() === CONNECTION;
}

/** Adds the names that a `connection` field names to those that others do. */
function nominated(value: string, names: Set<string> | null): Set<string> {
  const all = names ?? new Set<string>();
  for (const each of value.split(',')) all.add(each.trim().toLowerCase());
  return all;
}

/** Bytes as a text that has a character for each. */
export function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}

import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import * as v from 'valibot';
import { CloudletError, parseJson as parseJsonText } from '../../guest-sdk/protocol/index.ts';
import { passBody } from '../collector.ts';
import { connectionOf, type HostContext } from './connection.ts';
import { continueBody } from './continued-body.ts';

/** How a body is read. */
export interface BodyLimits {
  /** Longest body, bytes. */
  readonly maxBytes: number;
  /**
   * Longest silence of the sender, milliseconds, after which it must also be faster than `MIN_BYTES_PER_MS`; left out for bodies that
   * may be live streams, which the invocation's deadline bounds.
   */
  readonly idleMs?: number;
}

/** Longest silence while a body is uploaded that is needed whole: a sender that stalls on purpose holds memory or disk. */
export const UPLOAD_IDLE_MS = 30_000;

/** Slowest sender of a body that is needed whole, slower than any network: else a byte now and then would be no silence. */
const MIN_BYTES_PER_MS = 16;

/**
 * The bytes of a request's body, as they come. Throws `body-too-large` before the first byte when the declared length says so, else at
 * the byte too many; `body-truncated` when the sender leaves half-way; `request-timeout` when it falls silent.
 * Leaving the loop early does not close the connection: the answer still goes over it.
 */
export async function* requestBody(
  c: Context<HostContext>,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  refuseDeclaredLength(declaredLength(c), limits.maxBytes);
  const source = bodySource(c);
  if (source === null) return;
  const { idleMs = null } = limits;
  const beganAt = performance.now();
  let received = 0;
  for (;;) {
    const lateMs = performance.now() - beganAt - received / MIN_BYTES_PER_MS;
    const next = await nextChunk(c, source, idleMs === null ? null : Math.max(0, idleMs - Math.max(0, lateMs)));
    if (next.done) return;
    received += next.value.length;
    passBody(next.value.length);
    if (received > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes}`, limits.maxBytes);
    yield next.value;
  }
}

/**
 * Where the bytes come from: Node's own stream when there is a socket, because three layers of web streams over it cost a copy's
 * worth of time and memory. Never closed from here: destroying a half-read request would destroy the socket, and with it the
 * answer that may still be due; the listener drops what nobody read.
 */
function bodySource(c: Context<HostContext>): AsyncIterator<Uint8Array> | null {
  const incoming = connectionOf(c)?.incoming;
  if (incoming !== undefined) {
    continueBody(incoming);
    return incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  }
  const body = c.req.raw.body as ReadableStream<Uint8Array> | null;
  return body === null ? null : body.values({ preventCancel: true });
}

/**
 * A request's body for an invocation: bytes when all of it is here already, which for a small request it is, else as it comes. Bytes
 * need no stream between here and the guest.
 */
export function invocationInput(c: Context<HostContext>, maxBytes: number): Uint8Array | AsyncIterable<Uint8Array> {
  const incoming = connectionOf(c)?.incoming;
  return (incoming && bodyAtHand(incoming, maxBytes)) ?? requestBody(c, { maxBytes });
}

/** A request's body when all of it is here and it is small; else null. `body-too-large` when its length says so. */
export function bodyAtHand(incoming: IncomingMessage, maxBytes: number): Uint8Array | null {
  const length = smallLength(incoming);
  if (length === 0) return NOTHING;
  if (length === null || incoming.readableLength !== length) return null;
  refuseDeclaredLength(length, maxBytes);
  return incoming.read() as Uint8Array;
}

/** The length of a body that is declared to be small, 0 for none; else null. */
export function smallLength({ headers }: IncomingMessage): number | null {
  if (headers['transfer-encoding'] !== undefined) return null;
  const text = headers['content-length'];
  const length = text === undefined ? 0 : lengthOf(text);
  return length === undefined || length > SMALL_BYTES ? null : length;
}

const NOTHING = new Uint8Array(0);

/** Longest body that is taken in one piece. */
export const SMALL_BYTES = 16 * 1024;

/** A request's whole body, bounded. A small one that is here already, as most are, needs no stream. */
export async function readBody(c: Context<HostContext>, maxBytes: number): Promise<Uint8Array> {
  const incoming = connectionOf(c)?.incoming;
  const whole = incoming && bodyAtHand(incoming, maxBytes);
  if (whole != null) return whole;
  const parts: Uint8Array[] = [];
  for await (const part of requestBody(c, { maxBytes, idleMs: UPLOAD_IDLE_MS })) parts.push(part);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Value of a JSON body, bounded in depth and size; `request-invalid` says where it stops being UTF-8 or JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CloudletError('request-invalid', `expected JSON in UTF-8, got ${bytes.length} bytes that are not`, {
      cause: error,
    });
  }
  return parseJsonText(text);
}

/** Checks plain data against one of the schemas that the OpenAPI description is made of; `request-invalid` names the path. */
export function parseWith<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new CloudletError('request-invalid', sentenceOf(parsed.issues[0], schema));
}

/** What an issue of the schema says, in the words that documents of ours are refused with. */
function sentenceOf(issue: v.BaseIssue<unknown>, schema: v.GenericSchema): string {
  const path = v.getDotPath(issue);
  const at = path === null ? '$' : `$.${path}`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = issue.path?.length === 1 && 'entries' in schema ? Object.keys(schema.entries as object) : [];
    return `${at} is not a known key${known.length === 0 ? '' : `; expected ${known.join(', ')}`}`;
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined' && path !== null) return `${at} is missing`;
  return `${at}: expected ${issue.expected ?? issue.message}, got ${issue.received}`;
}

/** The length that the sender declared, or undefined for a chunked body. */
export function declaredLength(c: Context<HostContext>): number | undefined {
  return lengthOf(c.req.header('content-length'));
}

function lengthOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Refuses a body in an encoding such as gzip, which nothing here undoes. */
export function refuseEncodedBody(c: Context<HostContext>): void {
  const encoding = c.req.header('content-encoding');
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new CloudletError(
    'media-type-unsupported',
    `expected a body without Content-Encoding, got ${JSON.stringify(encoding.slice(0, 60))}`,
  );
}

async function nextChunk(
  c: Context<HostContext>,
  source: AsyncIterator<Uint8Array>,
  idleMs: number | null,
): Promise<IteratorResult<Uint8Array>> {
  try {
    return await (idleMs === null ? source.next() : withinSilence(source.next(), idleMs));
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    const declared = declaredLength(c);
    throw new CloudletError(
      'body-truncated',
      `expected ${declared === undefined ? 'the end of the body' : `${declared} bytes of body`}, got the end of the connection; send it again`,
      { cause: error },
    );
  }
}

async function withinSilence<T>(next: Promise<T>, idleMs: number): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const sentence = `expected more of the body within ${Math.round(idleMs / 100) / 10} s, got nothing; send it again`;
  const timer = setTimeout(() => reject(new CloudletError('request-timeout', sentence)), idleMs);
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function refuseDeclaredLength(declared: number | undefined, maxBytes: number): void {
  if (declared !== undefined && declared > maxBytes) throw tooLarge(String(declared), maxBytes);
}

function tooLarge(got: string, maxBytes: number): CloudletError {
  return new CloudletError('body-too-large', `expected a body of at most ${maxBytes} bytes, got ${got}`);
}

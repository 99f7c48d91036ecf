import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Invocation, InvocationEnd } from '../../runtime/index.ts';
import { connectionOf, type HostContext, setBeside, takesTrailers } from './connection.ts';
import { GUEST_CONTENT_POLICY, trailersFromGuest } from './guest-headers.ts';
import { KnownHeaders } from './known-headers.ts';
import { wholeResponse } from './protection.ts';
import { serverTiming } from './server-timing.ts';
import { streamedBody } from './streamed-body.ts';
import { invocationHeaders } from './trace-headers.ts';
import { type WholeParts, wholeAnswer } from './whole-answer.ts';

/** An answer of a command up to this size is sent with its exit status in the header; a longer one, in the trailer. */
export const BUFFERED_BYTES = 64 * 1024;

/** Statuses whose answers have no body (RFC 9110), and of these the ones that may not tell of a length either. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);
const LENGTHLESS: ReadonlySet<number> = new Set([204, 205]);

/**
 * A command's stdout as an answer. Its exit status is known only at its end, so up to `BUFFERED_BYTES` are held back and then
 * sent with `Cloudlet-Exit-Code` in the header. What is longer is streamed and has it in the trailer, as has everything for a
 * caller that says `TE: trailers`.
 */
export async function commandAnswer(c: Context<HostContext>, invocation: Invocation): Promise<Response> {
  const output = invocation.output[Symbol.asyncIterator]();
  const streams = takesTrailers(c) && /(^|,)\s*trailers\b/i.test(c.req.header('te') ?? '');
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  for (;;) {
    const next = await output.next();
    if (next.done) return shortAnswer(invocation, held);
    held.push(next.value);
    heldBytes += next.value.length;
    if (streams || heldBytes > BUFFERED_BYTES) break;
  }
  const headers = commonHeaders(invocation);
  headers.set('content-type', 'application/octet-stream');
  const sendTrailers = declareTrailers(c, headers, ['Cloudlet-Exit-Code', 'Server-Timing']);
  const body = streamedBody(c, prepended(held, output), null, async () => {
    const end = await invocation.done;
    sendTrailers([
      ['Cloudlet-Exit-Code', String(end.exitCode)],
      ['Server-Timing', serverTiming(invocation.timing, end.runMs)],
    ]);
  });
  return new Response(body, { headers });
}

/** A component's http answer that has begun, and what of its header may be sent. */
export interface BegunAnswer extends WholeParts {
  readonly status: number;
  /** Nothing is sent of its body, whatever the function gives. */
  readonly bodiless: boolean;
}

const known = new KnownHeaders();

/**
 * Reads how a component's http answer begins. `onWithheld` is told which headers the function may not set on an origin that it shares
 * with the cloudlet.
 */
export function beginAnswer(
  method: string,
  invocation: Invocation,
  onWithheld: (names: readonly string[]) => void,
): BegunAnswer | Promise<BegunAnswer> {
  const head = invocation.head;
  if (head === null || head.status < 200 || head.status > 599) {
    throw new CloudletError(
      'guest-response-invalid',
      `expected an http status from 200 to 599 from the function, got ${head?.status ?? 'none'}`,
    );
  }
  const { status } = head;
  const headers = known.of(head.headers);
  if (headers.stripped.length > 0) onWithheld(headers.stripped);
  const bodiless = method === 'HEAD' || BODILESS.has(status);
  const whole = bodiless ? null : (invocation.output.whole?.() ?? null);
  if (whole === null) return { status, headers, bodiless, whole, end: null };
  return invocation.done.then((end) => ({ status, headers, bodiless, whole, end }));
}

/** A component's http answer, streamed when it has not come whole. A failure half-way breaks the connection, so that it never looks complete. */
export function httpAnswer(c: Context<HostContext>, invocation: Invocation, answer: BegunAnswer): Response {
  const { status, bodiless, whole } = answer;
  const { fields, contentLength } = answer.headers;
  const ready = wholeAnswer(invocation, answer);
  if (ready !== null) {
    const headers: Record<string, string> = {};
    for (let at = 0; at < ready.header.length; at += 2) {
      const [name, value] = [ready.header[at]!, ready.header[at + 1]!];
      if (!setBeside(c, name, value)) headers[name] = value;
    }
    return wholeResponse(c, status, ready.body as Uint8Array<ArrayBuffer>, headers);
  }
  const headers = commonHeaders(invocation);
  for (const [name, value] of fields) if (!setBeside(c, name, value)) headers.append(name, value);
  if (!headers.has('content-type')) headers.set('content-type', 'application/octet-stream');
  if (bodiless) {
    void discard(invocation);
    // After a 205 with a length its receiver would take the next answer on the connection for the body.
    if (LENGTHLESS.has(status)) headers.delete('content-length');
    return new Response(null, { status, headers });
  }
  const sendTrailers = contentLength === null ? declareTrailers(c, headers, ['Server-Timing']) : () => {};
  const output = prepended(whole === null ? [] : [whole], invocation.output[Symbol.asyncIterator]());
  const body = streamedBody(c, output, contentLength, async () => {
    const end: InvocationEnd = await invocation.done;
    sendTrailers([...trailersFromGuest(end.trailers), ['Server-Timing', serverTiming(invocation.timing, end.runMs)]]);
  });
  return new Response(body, { status, headers });
}

async function shortAnswer(invocation: Invocation, held: readonly Uint8Array[]): Promise<Response> {
  const end = await invocation.done;
  const headers = commonHeaders(invocation, end.runMs);
  headers.set('content-type', 'application/octet-stream');
  headers.set('cloudlet-exit-code', String(end.exitCode));
  return new Response(new Uint8Array(Buffer.concat(held)), { headers });
}

function commonHeaders(invocation: Invocation, runMs?: number): Headers {
  return new Headers(plainHeaders(invocation, runMs));
}

function plainHeaders(invocation: Invocation, runMs?: number): Record<string, string> {
  return {
    ...invocationHeaders(invocation),
    'cloudlet-function-version': String(invocation.version),
    'server-timing': serverTiming(invocation.timing, runMs),
    'content-security-policy': GUEST_CONTENT_POLICY,
    'x-content-type-options': 'nosniff',
  };
}

/** Announces trailers where they can be sent, and gives the function that sends them; they must go before the body ends. */
function declareTrailers(
  c: Context<HostContext>,
  headers: Headers,
  names: readonly string[],
): (fields: readonly (readonly [string, string])[]) => void {
  if (!takesTrailers(c)) return () => {};
  headers.set('trailer', names.join(', '));
  return (fields) =>
    connectionOf(c)?.outgoing.addTrailers(fields.map(([name, value]) => [name, value] as [string, string]));
}

/** Items already taken, then the rest. Not a generator: leaving must reach the source even while it is being waited for. */
function prepended(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterator<Uint8Array> {
  const taken = [...first];
  return {
    next: async () => {
      const value = taken.shift();
      return value === undefined ? rest.next() : { done: false, value };
    },
    return: async () => (await rest.return?.()) ?? { done: true, value: undefined },
  };
}

/** Reads and drops the body that a HEAD or a 304 has no place for, so that the guest can end well. */
async function discard(invocation: Invocation): Promise<void> {
  try {
    for await (const chunk of invocation.output) void chunk;
  } catch {
    // The head was the whole answer and has been sent; the engine reports the failure to its observer.
  }
}

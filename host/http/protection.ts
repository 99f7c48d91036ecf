import { isAscii } from 'node:buffer';
import type { Context } from 'hono';
import { connectionOf, type HostContext } from './connection.ts';

/** Headers that keep a browser from doing more with an answer than we meant, where the route says nothing of its own. */
export const PROTECTION = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Adds them to the response of a request. */
export function protectResponse(c: Context<HostContext>): void {
  if (c.get('protected') === true) return;
  const { headers } = c.res;
  for (const [name, value] of Object.entries(PROTECTION)) if (!headers.has(name)) headers.set(name, value);
}

/**
 * A response whose body is at hand, with these headers and the protecting ones. All of it stays plain data up to Node's writer: a
 * `Headers` object, made to be asked and changed, costs more than a small invocation. Header fields of a text may only be ASCII.
 */
export function wholeResponse(
  c: Context<HostContext>,
  status: number,
  body: Uint8Array<ArrayBuffer> | string,
  headers: Readonly<Record<string, string>>,
): Response {
  c.set('protected', true);
  // A field that was set beside these is of the guest as well.
  const mayBeText = connectionOf(c)?.outgoing.getHeader('__proto__') === undefined;
  return new Response(mayBeText ? asText(body, headers) : body, { status, headers: { ...PROTECTION, ...headers } });
}

/** Longest body that is made a text to leave with its head, bytes. */
const SHORT_BYTES = 4 * 1024;

/**
 * A short body as a text, if all of the answer is ASCII: Node joins a text with its head and writes both at once, and writes bytes beside it. Not otherwise:
 * it would write the head in UTF-8 as well, whose fields are bytes.
 */
function asText(
  body: Uint8Array<ArrayBuffer> | string,
  headers: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> | string {
  if (typeof body === 'string' || body.length > SHORT_BYTES || !isAscii(body)) return body;
  for (const name in headers) if (!/^[\t\x20-\x7e]*$/.test(headers[name]!)) return body;
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
}

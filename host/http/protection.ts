import type { Context } from 'hono';
import type { HostContext } from './connection.ts';

/** Headers that keep a browser from doing more with an answer than we meant, where the route says nothing of its own. */
const PROTECTION = {
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
 * `Headers` object, made to be asked and changed, costs more than a small invocation.
 */
export function wholeResponse(
  c: Context<HostContext>,
  status: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Response {
  c.set('protected', true);
  return new Response(body, { status, headers: { ...PROTECTION, ...headers } });
}

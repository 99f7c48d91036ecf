import { type Context, Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { CloudletError, Session, SessionRequest } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { requireMediaType } from '../http/media-type.ts';
import { parseJson, parseWith, readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';
import { proveOwner, SESSION_MS } from '../trust/index.ts';

const MAX_SESSION_BYTES = 4096;

/** Sessions: the owner's token in, a cookie and a bearer secret out. Pairing has its place here and comes later. */
export function sessionRoutes({ trust }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.post(
    '/v1/session',
    describe({
      summary: "Exchange the owner's token for a session",
      tag: 'trust',
      anonymous: true,
      body: { description: 'The token', schema: SessionRequest },
      answers: { 201: { description: 'A session, also set as cookie', schema: Session } },
      errors: ['unauthorized', 'too-many-attempts', 'media-type-unsupported'],
    }),
    async (c) => {
      // JSON only: a form of a foreign page cannot send this type without asking first.
      requireMediaType(c.req.header('content-type'), { 'application/json': 'json' });
      const { token } = parseWith(SessionRequest, parseJson(await readBody(c, MAX_SESSION_BYTES)));
      proveOwner(c, trust, token);
      const { secret, expiresAt } = trust.sessions.open();
      setCookie(c, trust.cookieName, secret, {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
        maxAge: SESSION_MS / 1000,
        secure: isSecure(c),
      });
      c.header('cache-control', 'no-store');
      return c.json({ session: secret, expiresAt: expiresAt.toISOString() } satisfies Session, 201);
    },
  );
  routes.delete(
    '/v1/session',
    describe({ summary: 'End the session', tag: 'trust', answers: { 204: { description: 'Ended' } } }),
    (c) => {
      const session = c.var.caller?.session ?? null;
      if (session !== null) trust.sessions.close(session);
      deleteCookie(c, trust.cookieName, { path: '/' });
      return c.body(null, 204);
    },
  );
  routes.post('/v1/pair', (): never => {
    throw noPairing();
  });
  return routes;
}

function noPairing(): CloudletError {
  return new CloudletError(
    'not-found',
    "this version pairs no devices yet; use the owner's token, which the QR code of `npx cloudlet serve --bind 0.0.0.0` carries",
  );
}

/** Plain HTTP on a home network is the rule; behind a proxy with TLS the cookie must not leave it. */
function isSecure(c: Context<HostContext>): boolean {
  return new URL(c.req.url).protocol === 'https:';
}

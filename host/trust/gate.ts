import type { IncomingMessage } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { begunInvocation } from '../http/begun-invocation.ts';
import type { HostContext } from '../http/connection.ts';
import { TICKET } from '../http/page-ticket.ts';
import type { PlainHead } from '../http/plain-head.ts';
import type { PlainRequest } from '../http/plain-request.ts';
import { fieldOf } from '../http/raw-headers.ts';
import { isPull } from '../http/registry-answer.ts';
import { requestTarget } from '../http/request-target.ts';
import type { Caller } from './caller.ts';
import { isOwnOrigin } from './own-names.ts';
import { callerOf, identify, type Trust, tokenOf } from './trust.ts';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What anyone who reaches the port may read: whether we live, the page that asks for a token and what it is made of, and what the advertisement says. */
const ANONYMOUS_GET: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/',
  '/pair',
  '/favicon.ico',
  '/v1/advertisement',
]);
/** Where a caller without a session goes to get one; both check a proof of their own. */
const ANONYMOUS_POST: ReadonlySet<string> = new Set(['/v1/session', '/v1/pair']);

/** Lets a request through to the routes, or not. Runs before everything else, so that nothing is parsed, stored or started for a stranger. */
export function gate(trust: Trust): MiddlewareHandler<HostContext> {
  return async (c, next) => {
    const passedOn = (c.env as HostContext['Bindings'] | undefined)?.passedOn ?? begunInvocation(c)?.caller;
    if (passedOn !== undefined) {
      c.set('caller', passedOn);
      return await next();
    }
    const authority = ownAuthority(c, trust);
    refuseServiceWorker(c);
    if (hasTicket(c.req.path)) {
      // Its page has no origin, and sends no proof but the address; the route checks it.
      c.set('caller', null);
      return await next();
    }
    refuseOtherSites(c, authority);
    const caller = identify(c, trust);
    const isOpen = isAnonymous(c.req.method, c.req.path) || (trust.anonymousPull && isPull(c.req.method, c.req.path));
    if (caller === null && !isOpen) {
      throw new CloudletError(
        'unauthorized',
        'expected a session or the owner\'s token ("Authorization: Bearer …"), got neither; open the address that `npx cloudlet serve` prints, or read the token from the data directory',
      );
    }
    if (caller?.byCookie && !SAFE.has(c.req.method)) requireOwnOrigin(c, authority);
    c.set('caller', caller);
    await next();
  };
}

/** Who asks for a function, where it takes one look to see that the gate lets him through; null where the gate is to look, and perhaps to refuse. */
export function plainCaller(
  { authority, target }: PlainRequest,
  { headers, rawHeaders }: IncomingMessage,
  trust: Trust,
): Caller | null {
  const authorization = fieldOf(rawHeaders, 'authorization');
  if (authorization === undefined || FROM_BROWSERS.some((name) => headers[name] !== undefined)) return null;
  return bearerCaller({ authority, target, authorization }, trust);
}

/** The same for a request of which nothing is known that only browsers say. */
export function bearerCaller(
  { authority, target, authorization }: Pick<PlainHead, 'authority' | 'target' | 'authorization'>,
  trust: Trust,
): Caller | null {
  if (!trust.names.includes(authority)) return null;
  const token = tokenOf(authorization, target);
  return typeof token === 'string' ? callerOf(token, trust) : null;
}

/** Fields that the gate decides by, beside those of every request. */
const FROM_BROWSERS = ['service-worker', 'origin', 'sec-fetch-site'] as const;

/** Whether a request needs no session. */
export function isAnonymous(method: string, path: string): boolean {
  if (hasTicket(path)) return true;
  if (method === 'POST') return ANONYMOUS_POST.has(path);
  return (
    (method === 'GET' || method === 'HEAD') &&
    (ANONYMOUS_GET.has(path) || path.startsWith('/assets/') || isStorePage(path))
  );
}

/** Pages of the store show a stranger the entrance, whichever it is: a code that is scanned leads to them. */
function isStorePage(path: string): boolean {
  return /^\/store(\/[^/]*)?$/.test(path);
}

/** Whether an address is one of a web application's, with the ticket that its route checks: see `http/page-ticket.ts`. */
function hasTicket(path: string): boolean {
  if (!path.startsWith('/w/')) return false;
  return TICKET.test(path.split('/', 4)[3] ?? '');
}

/** A worker would see every request of our page, its proofs too, for as long as the browser keeps it; nothing of ours is one, and functions and servers share the address. */
function refuseServiceWorker(c: Context<HostContext>): void {
  if (c.req.header('service-worker') === undefined) return;
  throw new CloudletError('forbidden', 'expected no service worker from a cloudlet: its pages have none');
}

/** A name that is not ours in `Host` means that somebody's name was bound to our address: a rebinding page, or a wrong address. */
function ownAuthority(c: Context<HostContext>, trust: Trust): string {
  const { authority: requested } = requestTarget(c);
  const authority = c.req.header('host') ?? requested;
  requireOwn(authority, trust);
  if (requested !== authority) requireOwn(requested, trust);
  return authority;
}

function requireOwn(name: string, trust: Trust): void {
  if (trust.names.includes(name)) return;
  throw new CloudletError(
    'forbidden',
    `expected a name of this cloudlet in Host, got ${JSON.stringify(name.slice(0, 255))}; allow it with --allow-host if it is yours`,
  );
}

/** Browsers say which site a request comes from; from another one only what everybody may read is given. */
function refuseOtherSites(c: Context<HostContext>, authority: string): void {
  const open = SAFE.has(c.req.method) && isAnonymous(c.req.method, c.req.path);
  if (open) return;
  const origin = c.req.header('origin');
  if (origin !== undefined && !isOwnOrigin(origin, authority)) {
    throw new CloudletError(
      'forbidden',
      `expected a request from this cloudlet's own page, got one from ${JSON.stringify(origin.slice(0, 255))}`,
    );
  }
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new CloudletError(
      'forbidden',
      `expected a request from this cloudlet's own page, got one that the browser calls ${JSON.stringify(site.slice(0, 32))}`,
    );
  }
}

/** A cookie is sent by the browser, not by its owner: it must come with the proof that our own page asked. */
function requireOwnOrigin(c: Context<HostContext>, authority: string): void {
  const origin = c.req.header('origin');
  if (origin !== undefined && isOwnOrigin(origin, authority)) return;
  if (origin === undefined && c.req.header('sec-fetch-site') === 'same-origin') return;
  throw new CloudletError(
    'forbidden',
    'expected an Origin header of this cloudlet beside a session cookie; without a browser, send the session as "Authorization: Bearer …"',
  );
}

import { type Context, Hono } from 'hono';
import { CloudletError, parseName } from '../../guest-sdk/protocol/index.ts';
import { connectionOf, type HostContext } from '../http/connection.ts';
import { fileAnswer } from '../http/file-answer.ts';
import { GUEST_CONTENT_POLICY } from '../http/guest-headers.ts';
import { type PageTickets, pageTickets, TICKET } from '../http/page-ticket.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';
import type { Caller } from '../trust/index.ts';

/** Asks this host as its owner would. */
export type AskOwnHost = (request: Request, env: HostContext['Bindings']) => Response | Promise<Response>;

/** Whoever holds a ticket was given it by the owner's session. */
const PAGE: Caller = { kind: 'owner', proof: 'session', session: null, byCookie: false };

/** Headers of a request from a page that its server may see; what proves or describes the browser to us is not among them. */
const PASSED_ON = /^(?!cookie$|authorization$|origin$|referer$|sec-|host$|access-control-)/;

/**
 * Web applications of the store. All pages share the cloudlet's address, so each is put in a sandbox without an origin: no cookie, no
 * storage, no reading of what is ours. It loads from below its own address only, which carries a ticket; below that is also its server.
 */
export function webAppRoutes(
  { cloudlet }: HostParts,
  ask: AskOwnHost,
  tickets: PageTickets = pageTickets(),
): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.get(
    '/w/:name',
    describe({
      summary: 'A web application of the store: goes on to its pages, below a ticket, which need no session',
      tag: 'store',
      answers: { 302: { description: 'Its first page' } },
    }),
    (c) => c.redirect(`/w/${parseName(c.req.param('name'))}/`),
  );
  routes.all('/w/:name/*', async (c) => {
    const name = parseName(c.req.param('name'));
    const { ticket, path } = splitPath(new URL(c.req.url).pathname, name);
    const { revision } = cloudlet.catalogue.entry(name);
    if (ticket === null || !tickets.fits(ticket, name, revision)) {
      // An old ticket, of another start of the host: whoever has a session gets a new one by the same redirection.
      if (c.req.method !== 'GET' && c.req.method !== 'HEAD') throw noPage(name);
      if (ticket === null && c.var.caller === null) throw noPage(name);
      return c.redirect(`/w/${name}/${ticket === null ? `${tickets.of(name, revision)}/` : ''}${path}`);
    }
    if (c.req.method === 'OPTIONS') return c.body(null, 204, PREFLIGHT);
    const server = /^~(server|call)\/(.*)$/s.exec(path);
    if (server !== null)
      return await passOn(c, serverAddress(cloudlet, name, server[1] as 'server' | 'call'), server[2]!);
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') throw noPage(name);
    const page = await cloudlet.catalogue.page(name, decodePath(path, name));
    return fileAnswer(c, page, { ...OPEN, ...pageHeaders(c, name, ticket) });
  });

  const passOn = async (c: Context<HostContext>, base: string, rest: string): Promise<Response> => {
    const url = new URL(`${base}${rest}`, c.req.url);
    // What asks in the owner's name asks for what is below the server's address and nothing else.
    if (!url.pathname.startsWith(base))
      throw new CloudletError('not-found', `expected an address below ${base}, got another`);
    url.search = new URL(c.req.url).search;
    const headers = new Headers({ host: c.req.header('host') ?? url.host });
    for (const [key, value] of Object.entries(c.req.header())) if (PASSED_ON.test(key)) headers.append(key, value);
    const { method, signal } = c.req.raw;
    // With a socket, whoever serves the request reads its body from there.
    const body =
      connectionOf(c) === null && c.req.raw.body !== null ? { body: c.req.raw.body, duplex: 'half' as const } : {};
    const answer = await ask(new Request(url, { method, headers, signal, ...body }), { ...c.env, passedOn: PAGE });
    for (const [key, value] of Object.entries(OPEN)) answer.headers.set(key, value);
    return answer;
  };
  return routes;
}

/** A page without an origin may read what its own address gives, and the ticket in that is the proof; no cookie ever comes with it. */
const OPEN = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' } as const;

const PREFLIGHT = {
  ...OPEN,
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': '*',
  'access-control-max-age': '600',
} as const;

function pageHeaders(c: Context<HostContext>, name: string, ticket: string): Record<string, string> {
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  // A policy cannot name an address in brackets; there, the pages of all are within reach of each, by tickets that it does not know.
  const own = host.startsWith('[') ? "'self'" : `${host}/w/${name}/${ticket}/`;
  const policy = [
    GUEST_CONTENT_POLICY,
    `default-src ${own} 'unsafe-inline' 'unsafe-eval' data: blob:`,
    `form-action ${own}`,
    `base-uri ${own}`,
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
  };
}

/** The server of an application, as its pages reach it: http below `~server/`, typed calls of a function below `~call/`. */
function serverAddress(cloudlet: HostParts['cloudlet'], name: string, way: 'server' | 'call'): string {
  const server = cloudlet.catalogue.serverOf(name);
  if (server === null)
    throw new CloudletError('not-found', `expected the application "${name}" to have a server, it has none`);
  if (server.kind === 'service') {
    if (way === 'server') return `/s/${server.service}/`;
    throw new CloudletError('not-found', `expected typed calls of a function, the server of "${name}" is a service`);
  }
  return way === 'server' ? `/f/${server.function}/` : `/v1/functions/${server.function}/call/`;
}

function splitPath(pathname: string, name: string): { readonly ticket: string | null; readonly path: string } {
  const path = pathname.slice(`/w/${name}/`.length);
  const slash = path.indexOf('/');
  const first = slash === -1 ? path : path.slice(0, slash);
  return TICKET.test(first)
    ? { ticket: first, path: slash === -1 ? '' : path.slice(slash + 1) }
    : { ticket: null, path };
}

function decodePath(path: string, name: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw noPage(name); // An escape that is none names nothing.
  }
}

function noPage(name: string): CloudletError {
  return new CloudletError('not-found', `expected a page of the web application "${name}", got none`);
}

import { type Context, Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { InvocationRequest } from '../../runtime/index.ts';
import { httpAnswer } from '../http/answer.ts';
import { connectionOf, type HostContext } from '../http/connection.ts';
import { headersForGuest } from '../http/guest-headers.ts';
import { invokeOptions } from '../http/invoke-options.ts';
import { invocationInput } from '../http/request-body.ts';
import type { HostParts } from '../parts.ts';

/** Functions whose withheld headers were already told to the journal; bounded, since names come from outside. */
const MAX_TOLD = 1000;

/** The http door: any method, any path below the function's name, streaming both ways. */
export function httpDoorRoutes({ cloudlet, limits, journal }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const told = new Set<string>();
  const tellOnce =
    (name: string) =>
    (names: readonly string[]): void => {
      if (told.has(name) || told.size >= MAX_TOLD) return;
      told.add(name);
      journal.warn('headers of a function withheld, they would reach beyond it', {
        function: name,
        headers: names.join(' '),
      });
    };
  const handler = async (c: Context<HostContext, '/f/:name'>): Promise<Response> => {
    const name = parseName(c.req.param('name'));
    const invocation = await cloudlet.invoke(
      name,
      guestRequest(c),
      invocationInput(c, limits.bodyBytes),
      invokeOptions(c),
    );
    return await httpAnswer(c, invocation, tellOnce(name));
  };
  routes.all('/f/:name', handler);
  routes.all('/f/:name/*', handler);
  return routes;
}

/** A request as the component sees it: the path after its name, the authority that the caller used, no proof of who the caller is. */
function guestRequest(c: Context<HostContext>): InvocationRequest {
  const url = new URL(c.req.url);
  return {
    door: 'http',
    method: c.req.method,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    authority: c.req.header('host') ?? url.host,
    path: pathForGuest(url.pathname + url.search),
    headers: headersForGuest(rawHeaders(c)),
  };
}

/** `/f/hello/a%20b?x=1` → `/a%20b?x=1`, `/f/hello` → `/`: percent-encoding stays as it was sent. */
export function pathForGuest(target: string): string {
  const rest = target.replace(/^\/f\/[^/?]*/, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Node's list keeps what a `Headers` object joins: repeated fields, one by one. */
function rawHeaders(c: Context<HostContext>): readonly (readonly [string, string])[] {
  const raw = connectionOf(c)?.incoming.rawHeaders;
  if (raw === undefined) return [...c.req.raw.headers];
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!] as const);
}

import { type Context, Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { InvocationRequest } from '../../runtime/index.ts';
import { beginAnswer, httpAnswer } from '../http/answer.ts';
import { begunInvocation } from '../http/begun-invocation.ts';
import type { HostContext } from '../http/connection.ts';
import { headersForGuest } from '../http/guest-headers.ts';
import { optionsOf } from '../http/invoke-options.ts';
import { type RawHeaders, rawHeaders } from '../http/raw-headers.ts';
import { invocationInput } from '../http/request-body.ts';
import { requestTarget } from '../http/request-target.ts';
import { withheldTeller } from '../http/withheld.ts';
import type { HostParts } from '../parts.ts';

/** The http door: any method, any path below the function's name, streaming both ways. */
export function httpDoorRoutes({ cloudlet, limits, journal }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const tellOnce = withheldTeller(journal, 'function');
  const handler = async (c: Context<HostContext, '/f/:name'>): Promise<Response> => {
    const begun = begunInvocation(c);
    if (begun !== undefined) {
      if (begun.identity !== undefined) c.set('invocation', begun.identity);
      if ('error' in begun.outcome) throw begun.outcome.error;
      return httpAnswer(c, begun.outcome.invocation, begun.outcome.answer);
    }
    const name = parseName(c.req.param('name'));
    const { scheme, authority, pathWithQuery } = requestTarget(c);
    const request = guestRequest(c.req.method, scheme, c.req.header('host') ?? authority, pathWithQuery, rawHeaders(c));
    const invocation = await cloudlet.invoke(name, request, invocationInput(c, limits.bodyBytes), optionsOf(c));
    return httpAnswer(c, invocation, await beginAnswer(c.req.method, invocation, tellOnce(name)));
  };
  routes.all('/f/:name', handler);
  routes.all('/f/:name/*', handler);
  return routes;
}

/** A request as the component sees it: the path after its name, the authority that the caller used, no proof of who the caller is. */
export function guestRequest(
  method: string,
  scheme: 'http' | 'https',
  authority: string,
  target: string,
  raw: RawHeaders,
): InvocationRequest {
  return { door: 'http', method, scheme, authority, path: pathForGuest(target), headers: headersForGuest(raw) };
}

/** `/f/hello/a%20b?x=1` → `/a%20b?x=1`, `/f/hello` → `/`: percent-encoding stays as it was sent. */
export function pathForGuest(target: string): string {
  const rest = target.replace(/^\/f\/[^/?]*/, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

import { type Context, Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { InvocationRequest } from '../../runtime/index.ts';
import { httpAnswer } from '../http/answer.ts';
import type { HostContext } from '../http/connection.ts';
import { headersForGuest } from '../http/guest-headers.ts';
import { invokeOptions } from '../http/invoke-options.ts';
import { rawHeaders } from '../http/raw-headers.ts';
import { invocationInput } from '../http/request-body.ts';
import { requestTarget } from '../http/request-target.ts';
import { withheldTeller } from '../http/withheld.ts';
import type { HostParts } from '../parts.ts';

/** The http door: any method, any path below the function's name, streaming both ways. */
export function httpDoorRoutes({ cloudlet, limits, journal }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const tellOnce = withheldTeller(journal, 'function');
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
  const { scheme, authority, pathWithQuery } = requestTarget(c);
  return {
    door: 'http',
    method: c.req.method,
    scheme,
    authority: c.req.header('host') ?? authority,
    path: pathForGuest(pathWithQuery),
    headers: headersForGuest(rawHeaders(c)),
  };
}

/** `/f/hello/a%20b?x=1` → `/a%20b?x=1`, `/f/hello` → `/`: percent-encoding stays as it was sent. */
export function pathForGuest(target: string): string {
  const rest = target.replace(/^\/f\/[^/?]*/, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

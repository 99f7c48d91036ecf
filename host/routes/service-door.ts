import { type Context, Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { ServiceRequest } from '../../runtime/index.ts';
import { connectionOf, type HostContext } from '../http/connection.ts';
import { headersForGuest } from '../http/guest-headers.ts';
import { rawHeaders } from '../http/raw-headers.ts';
import { declaredLength, requestBody } from '../http/request-body.ts';
import { serviceAnswer } from '../http/service-answer.ts';
import { offersSocket } from '../http/web-socket.ts';
import { withheldTeller } from '../http/withheld.ts';
import type { HostParts } from '../parts.ts';
import { userOf } from '../trust/index.ts';

/** The door of a service: any method, any path below its name, streaming both ways, and WebSockets. */
export function serviceDoorRoutes({ cloudlet, limits, journal }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const tellOnce = withheldTeller(journal, 'service');
  const handler = async (c: Context<HostContext, '/s/:name'>): Promise<Response> => {
    const name = parseName(c.req.param('name'));
    const reply = await cloudlet.services.request(name, serverRequest(c, limits.bodyBytes), {
      user: userOf(c.var.caller),
      vm: c.req.header('cloudlet-service-vm'),
      signal: c.req.raw.signal,
    });
    return serviceAnswer(c, reply, { name, onWithheld: tellOnce(name) });
  };
  routes.all('/s/:name', handler);
  routes.all('/s/:name/*', handler);
  return routes;
}

/**
 * A request as the server sees it: the path after the name, no proof of who the caller is, and where it came from as proxies say it.
 * `Origin` was compared with our names; the server, which knows another, would refuse it.
 */
function serverRequest(c: Context<HostContext, '/s/:name'>, maxBytes: number): ServiceRequest {
  const url = new URL(c.req.url);
  const fields = headersForGuest(rawHeaders(c)).filter(
    ([name]) => name !== 'origin' && name !== 'forwarded' && !/^(cloudlet|x-forwarded)-/.test(name),
  );
  const declared = declaredLength(c);
  const hasBody = c.req.header('transfer-encoding') !== undefined || (declared ?? 0) > 0;
  return {
    method: c.req.method,
    path: pathForServer(url.pathname + url.search),
    headers: [...fields, ...forwarded(c, url)],
    body: hasBody ? requestBody(c, { maxBytes }) : null,
    contentLength: declared,
    webSocket: offersSocket(c),
  };
}

/** `/s/web/a%20b?x=1` → `/a%20b?x=1`, `/s/web` → `/`: percent-encoding stays as it was sent. */
export function pathForServer(target: string): string {
  const rest = target.replace(/^\/s\/[^/?]*/, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function forwarded(c: Context<HostContext, '/s/:name'>, url: URL): (readonly [string, Uint8Array])[] {
  const fields = {
    'x-forwarded-for': connectionOf(c)?.incoming.socket.remoteAddress ?? '127.0.0.1',
    'x-forwarded-host': c.req.header('host') ?? url.host,
    'x-forwarded-proto': url.protocol.replace(':', ''),
    'x-forwarded-prefix': `/s/${c.req.param('name')}`,
  };
  return Object.entries(fields).map(([name, value]) => [name, Buffer.from(value, 'latin1')] as const);
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { EndpointSpec, ServerSpec } from './test-spec.ts';

/** The servers of a test, for as long as it runs. */
export class TestServers {
  readonly #servers: Server[] = [];
  readonly #addresses = new Map<string, string>();

  /** Starts them on free ports of the loopback. */
  static async open(specs: readonly ServerSpec[]): Promise<TestServers> {
    const servers = new TestServers();
    for (const spec of specs) {
      const address = spec.kind === 'closed' ? await closedAddress() : await servers.#listen(spec.endpoints);
      servers.#addresses.set(spec.name, address);
    }
    return servers;
  }

  /** What the guest is told of them: `HTTP_SERVER_<NAME>` is `host:port`. */
  get environment(): Record<string, string> {
    return Object.fromEntries(
      [...this.#addresses].map(([name, address]) => [`HTTP_SERVER_${name.toUpperCase()}`, address]),
    );
  }

  /** Their addresses, which the guest has to be granted. */
  get hosts(): string[] {
    return [...this.#addresses.values()];
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  async #listen(endpoints: readonly EndpointSpec[]): Promise<string> {
    const server = createServer((request, response) => {
      answer(request, response, endpoints).catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#servers.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

/** An address at which nobody listens. */
async function closedAddress(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: readonly EndpointSpec[],
): Promise<void> {
  const body = await buffer(request);
  const endpoint = endpoints.find(({ method, path }) => method === request.method && path === request.url);
  response.setHeader('connection', 'close');
  // The suite's tests compare all fields of an answer.
  response.sendDate = false;
  if (endpoint === undefined) reply(response, 404, [], Buffer.alloc(0));
  else if (endpoint.mode === 'echo-body') reply(response, 200, [], body);
  else if (endpoint.mode === 'echo-headers') reply(response, 200, echoed(request), Buffer.alloc(0));
  else if (endpoint.chunks === null)
    reply(response, endpoint.status, Object.entries(endpoint.headers), Buffer.from(endpoint.body));
  else {
    const trailers = Object.keys(endpoint.trailers);
    if (trailers.length > 0) response.setHeader('trailer', trailers.join(', '));
    response.writeHead(endpoint.status, endpoint.headers);
    for (const chunk of endpoint.chunks) response.write(chunk);
    response.addTrailers(endpoint.trailers);
    response.end();
  }
}

function reply(
  response: ServerResponse,
  status: number,
  headers: readonly (readonly [string, string])[],
  body: Buffer,
): void {
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.setHeader('content-length', body.length);
  response.statusCode = status;
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function echoed(request: IncomingMessage): [string, string][] {
  const fields: [string, string][] = [
    ['x-request-method', request.method!],
    ['x-request-path', request.url!],
  ];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    fields.push([`x-echo-${request.rawHeaders[at]!.toLowerCase()}`, request.rawHeaders[at + 1]!]);
  for (const [name, value] of Object.entries(request.trailers)) fields.push([`x-trailer-${name}`, value ?? '']);
  return fields;
}

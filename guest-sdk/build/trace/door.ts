import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { asCloudletError } from '../../protocol/index.ts';
import type { Trace } from './open-trace.ts';

/** A request of HTTP for a traced function. */
export interface TracedRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: readonly (readonly [name: string, value: Uint8Array])[];
  readonly authority?: string;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Gives a request to a traced http function; resolves when its answer has begun. */
export function traceRequest({ recorder }: Trace, request: TracedRequest, signal?: AbortSignal) {
  const { method, path, headers = [], authority = 'localhost', body = new Uint8Array(0) } = request;
  return recorder.invoke({ door: 'http', method, scheme: 'http', authority, path, headers }, body, {
    ...(signal === undefined ? {} : { signal }),
  });
}

/** An http function that is served on this computer while its use is recorded. */
export interface TraceDoor {
  readonly url: string;
  /** Idempotent; what runs is given up. */
  close(): Promise<void>;
}

/** Serves a traced http function on loopback; port 0 takes a free one. `answered` hears of each answer. */
export async function openDoor(
  trace: Trace,
  { port = 0, answered = () => {} }: { port?: number; answered?: (line: string) => void } = {},
): Promise<TraceDoor> {
  const server = createServer((request, response) => {
    serve(trace, request, response).then(
      (status) => answered(`${request.method} ${request.url} ${status}`),
      (error: unknown) => {
        const { message } = asCloudletError(error);
        answered(`${request.method} ${request.url} failed: ${message}`);
        if (response.headersSent) response.destroy();
        else response.writeHead(502, { 'content-type': 'text/plain' }).end(`${message}\n`);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Fields that belong to a connection: they are not the function's. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te']);

async function serve(trace: Trace, request: IncomingMessage, response: ServerResponse): Promise<number> {
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const headers = request.rawHeaders.flatMap((name, at, all): [string, Uint8Array][] => {
    if (at % 2 === 1 || OF_CONNECTION.has(name.toLowerCase()) || name.toLowerCase() === 'host') return [];
    return [[name.toLowerCase(), Buffer.from(all[at + 1]!, 'latin1')]];
  });
  const { method = 'GET', url = '/' } = request;
  const authority = request.headers.host ?? 'localhost';
  const invocation = await traceRequest(trace, { method, path: url, headers, authority, body: request }, abort.signal);
  const { status, headers: fields } = invocation.head!;
  response.writeHead(
    status,
    fields.flatMap(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
  );
  await pipeline(invocation.output, response);
  return status;
}

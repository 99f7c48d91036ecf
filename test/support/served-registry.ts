/**
 * A registry on a port of this computer: what answers is a function of the test, in front of another registry.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request in the registry's place; false lets that answer. */
export type Instead = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry that is served. */
export interface ServedRegistry {
  /** `localhost:40123`. */
  readonly host: string;
  /** What was asked, as `GET /v2/…`, with the proof and the range that came with it. */
  asked: {
    readonly line: string;
    readonly authorization: string | undefined;
    readonly range: string | undefined;
  }[];
  /** Bytes of blobs that went out. */
  sentBytes: number;
  /** Stops within an answer when so many bytes of it are out, until `breakOff`; null: never. */
  cutAfter: number | null;
  /** Breaks the connection of an answer that stopped; whoever knows that all of it came calls it: else what is on its way may be lost. */
  readonly breakOff: () => void;
  instead: Instead;
  close(): Promise<void>;
}

/** Serves what `ask` answers. */
export async function serveRegistry(
  ask: (path: string, init: RequestInit) => Promise<Response>,
): Promise<ServedRegistry> {
  let stopped: ServerResponse | undefined;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    served.asked.push({ line: `${method} ${url}`, authorization: headers.authorization, range: headers.range });
    if (!served.instead(request, response)) void answer(request, response).catch(() => response.destroy());
  });
  const answer = async ({ method, url, headers }: IncomingMessage, response: ServerResponse) => {
    const fields = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const found = await ask(url ?? '', { method: method ?? 'GET', headers: { ...fields, host: 'localhost' } });
    response.writeHead(found.status, Object.fromEntries(found.headers));
    const bytes = Buffer.from(await found.arrayBuffer());
    const isCut = served.cutAfter !== null && bytes.length > served.cutAfter;
    const part = isCut ? bytes.subarray(0, served.cutAfter!) : bytes;
    if (url?.includes('/blobs/')) served.sentBytes += part.length;
    if (!isCut) return void response.end(bytes);
    response.write(part);
    stopped = response;
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served: ServedRegistry = {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    asked: [],
    sentBytes: 0,
    cutAfter: null,
    instead: () => false,
    breakOff: () => {
      stopped?.destroy();
      stopped = undefined;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return served;
}

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpEndAnswer, HttpHeadAnswer, HttpSend } from '../../../../runtime/outside/network/messages.ts';
import { type NetworkPolicy, type NetworkWorld, openNetwork } from '../../../../runtime/outside/network/network.ts';
import { recordOf } from '../../../../runtime/outside/network/record.ts';
import { OutsideRefusal } from '../../../../runtime/outside/outside-service.ts';
import { type MemorySink, memorySink, memorySource } from '../../../../runtime/wasi/index.ts';
import type { TestCertificate } from '../../../support/certificate.ts';
import { text, utf8 } from '../../wasi/backend.ts';

/** A server on loopback, with the connections that it has seen. */
export interface TestServer {
  readonly port: number;
  readonly server: Server;
  /** All connections that were ever made. */
  readonly connections: Socket[];
  close(): Promise<void>;
}

/** Starts a server of HTTP on 127.0.0.1, or of HTTPS when it has a certificate. */
export async function startServer(listener: RequestListener, certificate?: TestCertificate): Promise<TestServer> {
  const server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  const connections: Socket[] = [];
  server.on(certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
    connections.push(socket),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server: server as Server,
    connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A network that may reach loopback and any host, but for what a test says. */
export function openTestNetwork(policy: Partial<NetworkPolicy> = {}, world: NetworkWorld = {}) {
  return openNetwork({ allowedHosts: ['*:*'], allowedRanges: ['127.0.0.0/8'], connections: 8, ...policy }, world);
}

/** A request as an agent would send it. */
export function httpSend(given: Partial<HttpSend> & { readonly authority: string }): HttpSend {
  return {
    method: 'GET',
    scheme: 'http',
    path: '/',
    headers: [],
    body: false,
    connectMs: null,
    firstByteMs: null,
    betweenBytesMs: null,
    ...given,
  };
}

/** A body as an agent would send it, whole. */
export function bodyOf(pieces: readonly string[], trailers: readonly (readonly [string, string])[] = []): Uint8Array {
  return Buffer.concat([
    ...pieces.map((piece) => recordOf(utf8(piece))),
    recordOf(utf8('')),
    ...trailers.flat().map((each) => recordOf(utf8(each))),
  ]);
}

type Network = ReturnType<typeof openTestNetwork>;

/** Asks a service with a whole source, and gives what it says without waiting for the end. */
export async function ask(
  network: Network,
  args: unknown,
  given: Partial<Parameters<Network['services'][string]>[0]> = {},
) {
  const sink: MemorySink = memorySink(1e8);
  const service = network.services['http.send']!;
  const answer = await service({
    args,
    source: memorySource(new Uint8Array(0)),
    sink,
    signal: new AbortController().signal,
    ...given,
  });
  return { head: answer.value as HttpHeadAnswer, end: answer.end as Promise<HttpEndAnswer>, sink };
}

/** Asks for a request and reads the answer to its end. */
export async function fetchWhole(
  network: Network,
  args: unknown,
  given: Partial<Parameters<Network['services'][string]>[0]> = {},
) {
  const { head, end, sink } = await ask(network, args, given);
  const { trailers } = await end;
  const fields = (entries: HttpHeadAnswer['headers']) => entries.map(([name, value]) => [name, text(value)] as const);
  return {
    status: head.status,
    headers: Object.fromEntries(fields(head.headers).map(([name, value]) => [name.toLowerCase(), value])),
    text: text(sink.bytes()),
    trailers: fields(trailers),
  };
}

/** The code by which something is refused. Fails when it is not. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OutsideRefusal) return error.code;
    throw error;
  }
  throw new Error('expected it to be refused');
}

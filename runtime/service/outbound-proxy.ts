import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { HostPolicy } from '../grant/index.ts';
import { addressPolicy } from '../outside/network/address-policy.ts';
import { Dialer } from '../outside/network/dialer.ts';
import { type Destination, parseDestination, type Scheme } from '../outside/network/host-pattern.ts';
import type { NetworkWorld } from '../outside/network/network.ts';
import { systemNetworks } from '../outside/network/own-networks.ts';
import { forwardedFields } from './forwarded-fields.ts';
import { outboundPolicy } from './outbound-policy.ts';
import { requestOver } from './over-connection.ts';
import { absoluteForm, destinationText, explain, type ProxyRefusal, proxyRefusal, refuseOn } from './proxy-messages.ts';

/** What an outbound proxy is made of. */
export interface OutboundProxyOptions {
  /** Patterns of hosts that may be reached, as in a grant; those that the policy does not allow are not. */
  readonly hosts: readonly string[];
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  readonly world?: NetworkWorld;
  /** Connections of programs inside, at once; as many may lead outside. */
  readonly connections?: number;
  /** Told what becomes of each request, with a sentence for the log of whoever made it. */
  readonly report?: (outcome: OutboundOutcome, sentence: string) => void;
}

/** What becomes of a request: it went out, the rules forbid it, or there was no way. */
export type OutboundOutcome = 'allowed' | 'refused' | 'failed';

/** How programs inside a VM reach what they may, and nothing else. Who opens it closes it. */
export interface OutboundProxy {
  /** Takes over a connection that a program inside made to its proxy. */
  readonly accept: (connection: Duplex) => void;
  /** Connections of programs inside. */
  readonly connections: number;
  /** Ends all connections. Idempotent. */
  close(): void;
}

/** Connections at once when nothing else is said. */
const CONNECTIONS = 64;
/** A guest writes the header, the host holds it. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Time without a request: for all of a header, which a guest may send byte by byte, and between two requests. */
const QUIET_MS = 20_000;
/** Until the destination has taken a connection: its name's address, and the handshake. */
const DIAL_MS = 20_000;
/** Silence after which a connection outside is given up. */
const SILENT_MS = 300_000;
/** Requests of one connection that were sent ahead and are not answered: each costs the host memory. apt sends ten. */
const MAX_PIPELINED = 32;

type Dial = (destination: Destination, scheme: Scheme) => Promise<Socket>;

/** Opens a proxy of HTTP (`GET http://host/path`, `CONNECT host:443`) that applies the rules of functions: the name, then the address. */
export function openOutboundProxy(options: OutboundProxyOptions): OutboundProxy {
  const { connections: limit = CONNECTIONS, report = () => undefined } = options;
  const inside = new Set<Duplex>();
  const closing = new AbortController();
  const outside = outsideConnections(options, limit, closing.signal);
  const said = (error: unknown, where: string): ProxyRefusal => {
    const refusal = explain(error, where);
    report(refusal.status === 403 ? 'refused' : 'failed', refusal.message);
    return refusal;
  };

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 });
  watchQuiet(server);
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (incoming.socket.destroyed) return;
    const where = destinationText(incoming.url);
    forward(incoming, outgoing, outside.dial).then(
      () => report('allowed', where),
      (error: unknown) => answer(outgoing, said(error, where)),
    );
  });
  server.on('connect', (incoming: IncomingMessage, connection: Duplex, head: Buffer) => {
    const where = destinationText(incoming.url);
    tunnel(incoming, connection, head, outside.dial).then(
      () => report('allowed', where),
      (error: unknown) => refuseOn(connection, said(error, where)),
    );
  });
  server.on('upgrade', (_, connection: Duplex) =>
    refuseOn(connection, proxyRefusal(501, 'expected another protocol in a tunnel only: CONNECT')),
  );
  server.on('clientError', (_, connection: Duplex) =>
    refuseOn(connection, proxyRefusal(400, 'expected a request of HTTP/1.1 to a proxy')),
  );
  return {
    accept: (connection) => {
      connection.on('error', () => undefined);
      if (closing.signal.aborted || inside.size >= limit) {
        refuseOn(connection, proxyRefusal(503, `the VM has its ${limit} connections to its proxy`));
        return;
      }
      inside.add(connection);
      connection.once('close', () => inside.delete(connection));
      server.emit('connection', connection);
    },
    get connections() {
      return inside.size;
    },
    close() {
      closing.abort();
      for (const connection of inside) connection.destroy();
      outside.close();
    },
  };
}

/** The connections that lead outside: checked, and counted also while they come to be. */
function outsideConnections(
  { hosts, policy, world = {} }: OutboundProxyOptions,
  limit: number,
  closing: AbortSignal,
): { readonly dial: Dial; close(): void } {
  const mayReach = outboundPolicy(hosts, policy);
  const addresses = addressPolicy(policy.privateNetworks, world.ownNetworks ?? systemNetworks());
  const dialer = new Dialer(addresses, world.resolver, world.connector);
  const open = new Set<Socket>();
  let dialing = 0;
  return {
    dial: async (destination, scheme) => {
      if (!mayReach(destination, scheme)) throw notNamed(destination);
      if (open.size + dialing >= limit)
        throw proxyRefusal(503, `the VM has its ${limit} connections to the outside; try again`);
      dialing += 1;
      try {
        const socket = await dialer.dial(destination.host, destination.port, DIAL_MS, closing);
        open.add(socket);
        socket.once('close', () => open.delete(socket));
        socket.setTimeout(SILENT_MS, () => socket.destroy());
        if (closing.aborted) socket.destroy();
        return socket;
      } finally {
        dialing -= 1;
      }
    },
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

function notNamed({ host, port }: Destination): Error {
  return proxyRefusal(
    403,
    `${host}:${port} is not among the hosts that it may reach ("outbound"), or the cloudlet's policy (--policy) does not allow it`,
  );
}

/** Sends a request in absolute form on, and its answer back; resolves when the answer begins. */
async function forward(incoming: IncomingMessage, outgoing: ServerResponse, dial: Dial): Promise<void> {
  const { authority, path } = absoluteForm(incoming.url ?? '');
  const destination = parseDestination(authority, 'http');
  if (destination === null) throw proxyRefusal(400, 'expected a host in the address of the request');
  const socket = await dial(destination, 'http');
  if (outgoing.destroyed) return void socket.destroy();
  const fields = forwardedFields(incoming.rawHeaders).filter(
    (_, at, all) => all[at - (at % 2)]!.toLowerCase() !== 'host',
  );
  // The host that was checked, whatever the guest's own field says. And a body without a length is framed, of a GET too: else the
  // server would take it for a request that nobody checked.
  const own = ['Host', authority, 'Connection', 'close'];
  if (incoming.headers['transfer-encoding'] !== undefined) own.push('Transfer-Encoding', 'chunked');
  const message = requestOver(socket, { method: incoming.method, path, headers: [...own, ...fields] });
  socket.once('free', () => socket.destroy());
  outgoing.on('close', () => socket.destroy());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    message.on('response', resolve);
    message.on('error', reject);
    message.on('close', () => reject(new Error('the server closed the connection')));
    pipeline(incoming, message, () => undefined);
  });
  outgoing.writeHead(response.statusCode!, response.statusMessage, forwardedFields(response.rawHeaders));
  pipeline(response, outgoing, () => undefined);
}

/** Joins a connection inside with one outside; resolves when the other is there. */
async function tunnel({ url = '' }: IncomingMessage, inside: Duplex, head: Buffer, dial: Dial): Promise<void> {
  inside.on('error', () => undefined);
  const destination = /:\d{1,5}$/.test(url) ? parseDestination(url, 'https') : null;
  if (destination === null) throw proxyRefusal(400, 'expected CONNECT with a host and a port');
  const socket = await dial(destination, destination.port === 80 ? 'http' : 'https');
  if (inside.destroyed) return void socket.destroy();
  inside.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) socket.write(head);
  pipeline(inside, socket, inside, () => undefined);
}

function answer(outgoing: ServerResponse, { status, message }: ProxyRefusal): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  outgoing.end(`${message}\n`);
}

/** A server that listens nowhere looks after nobody's time: here connections end that have no request for long, or too many. */
function watchQuiet(server: ReturnType<typeof createServer>): void {
  const watched = new WeakMap<Duplex, { unanswered: number; timer: NodeJS.Timeout | null }>();
  const wait = (connection: Duplex): void => {
    const state = watched.get(connection)!;
    state.timer = setTimeout(() => connection.destroy(), QUIET_MS).unref();
  };
  const stop = (connection: Duplex): void => {
    const timer = watched.get(connection)?.timer;
    if (timer != null) clearTimeout(timer);
  };
  server.on('connection', (connection: Duplex) => {
    watched.set(connection, { unanswered: 0, timer: null });
    wait(connection);
    connection.once('close', () => stop(connection));
  });
  server.on('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    const state = watched.get(socket)!;
    state.unanswered += 1;
    stop(socket);
    if (state.unanswered > MAX_PIPELINED) return void socket.destroy();
    outgoing.once('close', () => {
      state.unanswered -= 1;
      if (state.unanswered === 0 && !socket.destroyed) wait(socket);
    });
  });
  server.on('connect', (_, connection: Duplex) => stop(connection));
}

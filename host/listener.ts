import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { asCloudletError, CloudletError } from '../guest-sdk/protocol/index.ts';
import { InFlight } from '../runtime/index.ts';
import { answerOnSocket, answerRefused, brokenRequest, noProxy, refusedHead } from './http/broken-request.ts';
import { ByteResponse } from './http/byte-response.ts';
import { holdContinue } from './http/continued-body.ts';
import { type PlainExchange, type PlainHost, readPlain } from './http/plain-connection.ts';
import { KEEP_ALIVE_MS } from './http/send-whole.ts';
import { asksForWebSocket, offerSocket } from './http/web-socket.ts';
import type { Traffic } from './metrics.ts';
import { problemResponse } from './problem.ts';
import type { DirectDoor } from './routes/direct-door.ts';

/** What answers requests: `app.fetch` of Hono. */
export type Handler = (request: Request, connection: HttpBindings) => Response | Promise<Response>;

/** A listening socket and the requests that came over it. */
export interface Listener {
  /** The port, also when the system chose it. */
  readonly port: number;
  /** Puts another handler in place, for the requests to come, and a door before it. */
  readonly use: (handler: Handler, door?: DirectDoor) => void;
  readonly traffic: () => Traffic;
  /** Waits until no request is unanswered, or `boundMs` is over; then closes the socket and all that is left. Idempotent. */
  readonly close: (boundMs: number) => Promise<void>;
}

/** Time for all headers of a request: a caller that sends them byte by byte holds a connection. */
const HEADERS_TIMEOUT_MS = 20_000;
/** How often that time is looked at; it may be exceeded by as much. */
const CHECK_MS = 5_000;
/** Silence after which Node gets a connection that has said nothing yet. */
const FIRST_MS = 1_000;
/**
 * How long the sender of a body that nobody reads may take to notice its answer. Without this a stranger's GET with a body that
 * never comes would hold one of the connections for ever.
 */
const UNREAD_MS = 2_000;
const MAX_HEADER_BYTES = 32 * 1024;
const MAX_CONNECTIONS = 2048;

/** What tests change of a listener. */
export interface ListenOptions {
  readonly headersTimeoutMs?: number;
  /** Answers what it takes before the handler is asked. */
  readonly door?: DirectDoor;
}

const noDoor: DirectDoor = { answer: (incoming, outgoing, routes) => routes(incoming, outgoing) };

/** Listens; `conflict` says in one sentence why it is not possible. */
export async function listen(
  bind: string,
  port: number,
  handler: Handler,
  { headersTimeoutMs = HEADERS_TIMEOUT_MS, door = noDoor }: ListenOptions = {},
): Promise<Listener> {
  let current = handler;
  let currentDoor = door;
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A body may be a live stream of hours. Bodies that are needed whole have a limit on silence instead (request-body.ts),
    // and every invocation has a deadline.
    requestTimeout: 0,
    // A request without a body has ended when it comes: its stream has nothing to tell, and would take four turns to do so.
    optimizeEmptyRequests: true,
    // A request without it gets its problem document from the handler.
    requireHostHeader: false,
    shouldUpgradeCallback: asksForWebSocket,
    ServerResponse: ByteResponse,
  });
  server.maxConnections = MAX_CONNECTIONS;
  // Node would leave out what is beyond 2000 without a word; the bytes are bounded, and each function has a limit of its own.
  server.maxHeadersCount = 0;
  /** Connections, each with its requests that are not answered: several when the caller sends ahead. */
  const open = new Map<Socket, InFlight<ServerResponse, ServerResponse>>();
  const past = { receivedBytes: 0, sentBytes: 0 };
  const respond = getRequestListener((request, connection) => current(request, connection as HttpBindings), {
    overrideGlobalObjects: true,
    errorHandler: (error) => problemResponse(badTarget(error), '/'),
  });
  /** Requests whose connection goes to Node while they are answered, until Node has read them. */
  const begun = new WeakMap<Socket, PlainExchange>();
  const [readByNode] = server.listeners('connection') as [(socket: Socket) => void];
  server.off('connection', readByNode);
  const plain = {
    take: (head, body, exchange) => currentDoor.take?.(head, body, exchange, respond) ?? false,
    due: () => waits(),
    toNode: (socket, bytes, exchange) => {
      if (exchange !== null) {
        exchange.goes();
        begun.set(socket, exchange);
      }
      readByNode.call(server, socket);
      if (bytes.length > 0) socket.unshift(bytes);
    },
    firstMs: Math.min(FIRST_MS, headersTimeoutMs),
    // As Node does it: longer than it says, for a request that is on its way.
    keepAliveMs: KEEP_ALIVE_MS + server.keepAliveTimeoutBuffer,
  } satisfies PlainHost;
  server.on('connection', (socket: Socket) => {
    if (currentDoor.take === undefined) readByNode.call(server, socket);
    else readPlain(socket, plain);
    open.set(socket, new InFlight());
    socket.once('close', () => {
      open.delete(socket);
      past.receivedBytes += socket.bytesRead;
      past.sentBytes += socket.bytesWritten;
    });
  });
  let unanswered = 0;
  let idle: () => void = () => {};
  /** Waits for an answer; gives what says that none is due any more. */
  const waits = (): (() => void) => {
    let isDue = true;
    unanswered += 1;
    return () => {
      if (!isDue) return;
      isDue = false;
      unanswered -= 1;
      if (unanswered === 0) idle();
    };
  };
  const due = (incoming: IncomingMessage, outgoing: ServerResponse): (() => void) => {
    const pending = open.get(incoming.socket);
    const answered = waits();
    pending?.set(outgoing, outgoing);
    return () => {
      pending?.delete(outgoing);
      answered();
    };
  };
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const done = due(incoming, outgoing);
    outgoing.on('close', () => {
      done();
      leaveUnread(incoming);
    });
    const exchange = begun.get(incoming.socket);
    if (exchange !== undefined) {
      begun.delete(incoming.socket);
      exchange.adopt({ incoming, outgoing });
      return;
    }
    const refused = refusedHead(incoming.headers);
    if (refused === null) currentDoor.answer(incoming, outgoing, respond);
    else answerRefused(refused, outgoing);
  };
  server.on('request', answer);
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    holdContinue(incoming, outgoing);
    answer(incoming, outgoing);
  });
  server.on('checkExpectation', answer);
  // Answered like any other request, unless its route takes the socket; no further request comes over it.
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const outgoing = new ByteResponse(incoming);
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(socket);
    outgoing.once('finish', () => socket.end());
    const taken = due(incoming, outgoing);
    outgoing.on('close', taken);
    offerSocket(incoming, { outgoing, socket, head, taken });
    void respond(incoming, outgoing);
  });
  /** Connections with bytes behind whole requests that are none: these are answered first. */
  const broken = new WeakSet<Socket>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const pending = open.get(socket)?.values() ?? [];
    const inBody = pending.some(({ req }) => !req.complete);
    const last = pending.at(-1);
    const refuse = (): void =>
      answerOnSocket(brokenRequest(error, inBody, MAX_HEADER_BYTES), socket, open.get(socket)?.values() ?? []);
    if (last === undefined || inBody || !socket.writable) return refuse();
    if (!broken.has(socket)) last.once('close', refuse);
    broken.add(socket);
  });
  server.on('connect', (_incoming: IncomingMessage, socket: Socket) =>
    answerOnSocket(noProxy(), socket, open.get(socket)?.values() ?? []),
  );
  await started(server, bind, port);

  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    use: (next, door = noDoor) => {
      current = next;
      currentDoor = door;
    },
    traffic: () => {
      const sum = { ...past };
      for (const socket of open.keys()) {
        sum.receivedBytes += socket.bytesRead;
        sum.sentBytes += socket.bytesWritten;
      }
      return sum;
    },
    close: (boundMs) => {
      closing ??= (async () => {
        let timer: NodeJS.Timeout | undefined;
        const bound = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, boundMs);
        });
        const answered = new Promise<void>((resolve) => {
          idle = resolve;
          if (unanswered === 0) resolve();
        });
        await Promise.race([answered, bound]);
        clearTimeout(timer);
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        // WebSockets are none of the server's any more.
        for (const socket of open.keys()) socket.destroy();
        await closed;
      })();
      return closing;
    },
  };
}

function started(server: Server, bind: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, bind, port)));
    server.listen({ host: bind, port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {
        // After listening, errors are of single connections that could not be accepted (no file descriptors); the next one may be.
      });
      resolve();
    });
  });
}

function cannotListen(error: NodeJS.ErrnoException, bind: string, port: number): CloudletError {
  const why: Record<string, string> = {
    EADDRINUSE: `expected port ${port} of ${bind} to be free, but another program serves there; stop it or choose another one with --port`,
    EACCES: `expected leave to serve on port ${port} of ${bind}; ports below 1024 need root, choose another one with --port`,
    EADDRNOTAVAIL: `expected ${bind} to be an address of this machine; use --bind 127.0.0.1, or --bind 0.0.0.0 for the whole network`,
  };
  const sentence = why[error.code ?? ''] ?? `could not serve on port ${port} of ${bind}: ${error.message}`;
  return new CloudletError('conflict', sentence, { cause: error });
}

/** Closes the connection of a request that is answered and goes on sending. */
function leaveUnread(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.socket.destroyed) return;
  const close = (): void => void (incoming.complete || incoming.socket.destroy());
  setTimeout(close, UNREAD_MS).unref();
}

function badTarget(error: unknown): CloudletError {
  return new CloudletError(
    'request-invalid',
    `expected a valid Host and request target: ${asCloudletError(error).message}`,
    { cause: error },
  );
}

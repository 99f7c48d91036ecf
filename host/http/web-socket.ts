import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Context } from 'hono';
import type { HeaderField } from '../../runtime/index.ts';
import { connectionOf, type HostContext } from './connection.ts';

/** The socket of a request for a WebSocket, which a route may take; until then it is answered like any other. */
interface OfferedSocket {
  readonly outgoing: ServerResponse;
  readonly socket: Socket;
  /** What the caller sent right behind its request. */
  readonly head: Uint8Array;
  /** The listener need not wait for an answer any more. */
  readonly taken: () => void;
}

const offered = new WeakMap<IncomingMessage, OfferedSocket>();

/** Whether a request asks for a WebSocket where there may be one; all others that ask for another protocol are answered in HTTP. */
export function asksForWebSocket({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^(https?:\/\/[^/]*)?\/s\//i.test(url);
}

/** Lets the route that serves a request take its socket. */
export function offerSocket(incoming: IncomingMessage, offer: OfferedSocket): void {
  offered.set(incoming, offer);
}

/** Whether the request's socket can be taken. */
export function offersSocket(c: Context<HostContext>): boolean {
  const incoming = connectionOf(c)?.incoming;
  return incoming !== undefined && offered.has(incoming);
}

/** Agrees to a WebSocket with these fields, and gives the connection; the route answers with `RESPONSE_ALREADY_SENT`. */
export function takeSocket(c: Context<HostContext>, fields: readonly HeaderField[]): Duplex {
  const { incoming } = connectionOf(c)!;
  const { outgoing, socket, head, taken } = offered.get(incoming)!;
  offered.delete(incoming);
  outgoing.detachSocket(socket);
  taken();
  const lines = fields.map(([name, value]) => `${name}: ${Buffer.from(value).toString('latin1')}\r\n`).join('');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${lines}\r\n`,
    'latin1',
  );
  if (head.length > 0) socket.unshift(head);
  return socket;
}

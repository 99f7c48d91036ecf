import type { Socket } from 'node:net';
import type { ByteSource } from '../../../wasi/index.ts';
import type { OutsideAnswer, OutsideRequest } from '../../outside-service.ts';
import { Arrivals, handOn } from '../arrivals.ts';
import { parseIp } from '../ip-address.ts';
import type { SocketEnd, TcpConnected } from '../messages.ts';
import { asSocketRefusal, socketRefusal } from './socket-refusal.ts';

/** How long a peer may keep a connection open of which the guest has closed its side and which is silent. */
const LINGER_MS = 30_000;

/** Lets the bytes of a connection flow between a guest and its peer, until both directions are closed. */
export function serveConnection(socket: Socket, outside: OutsideRequest): OutsideAnswer {
  const value: TcpConnected = { local: localEnd(socket), remote: remoteEnd(socket) };
  const abort = () => {
    // What the guest wrote before it ended is still sent.
    const written = socket.destroyed || sendAtHand(outside.source, socket);
    if (written) socket.destroySoon();
    else socket.destroy();
  };
  outside.signal.addEventListener('abort', abort, { once: true });
  const down = receive(socket, outside).catch((error: unknown) => {
    socket.destroy();
    throw asSocketRefusal(error);
  });
  const up = send(outside.source, socket, outside.signal);
  const end = Promise.all([down, up])
    .finally(() => {
      outside.signal.removeEventListener('abort', abort);
      // What the guest writes to a connection that is no more is swallowed.
      outside.source.close();
      socket.destroySoon();
    })
    .then(() => null);
  end.catch(() => {});
  if (outside.signal.aborted) abort();
  return { value, end };
}

/** Where a connection comes from. */
export function localEnd(socket: Socket): SocketEnd {
  return endOf(socket.localAddress, socket.localPort);
}

function remoteEnd(socket: Socket): SocketEnd {
  return endOf(socket.remoteAddress, socket.remotePort);
}

/** An end as Node writes it. */
export function endOf(address: string | undefined, port: number | undefined): SocketEnd {
  const bytes = address === undefined ? null : parseIp(address);
  if (bytes === null || port === undefined) throw socketRefusal('connection-aborted', 'the connection has ended');
  return { address: bytes, port };
}

async function receive(socket: Socket, { sink }: OutsideRequest): Promise<void> {
  const arrivals = new Arrivals(
    socket,
    () => socket.readableEnded,
    () => socketRefusal('connection-reset', 'the connection broke'),
  );
  for (;;) {
    const chunk = socket.read() as Uint8Array | null;
    if (chunk !== null) await handOn(chunk, sink, arrivals);
    else if (arrivals.ended) return sink.close();
    else await arrivals.next(null);
  }
}

async function send(source: ByteSource, socket: Socket, signal: AbortSignal): Promise<void> {
  for (;;) {
    if (socket.destroyed || signal.aborted) return;
    const bytes = source.read(65_536);
    if (bytes === null) {
      socket.end();
      socket.setTimeout(LINGER_MS, () => socket.destroy());
      return;
    }
    if (bytes.length === 0) await Promise.race([source.wait(), closed(socket)]);
    else if (!socket.write(Buffer.from(bytes))) await drained(socket);
  }
}

/** Sends what has come from the guest already. Gives false when the guest had not closed its side. */
function sendAtHand(source: ByteSource, socket: Socket): boolean {
  try {
    for (;;) {
      const bytes = source.read(65_536);
      if (bytes === null) return true;
      if (bytes.length === 0) return false;
      socket.write(Buffer.from(bytes));
    }
  } catch {
    // The sandbox is lost: nothing of this is worth sending.
    return false;
  }
}

const closures = new WeakMap<Socket, Promise<void>>();

function closed(socket: Socket): Promise<void> {
  let closure = closures.get(socket);
  if (closure === undefined) {
    closure = new Promise((resolve) => socket.once('close', () => resolve()));
    closures.set(socket, closure);
  }
  return closure;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}

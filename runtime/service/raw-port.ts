import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** What a raw port leads to. */
export interface RawPortOptions {
  /** Address of this computer on which it is. */
  readonly bind: string;
  /** A new connection to the server inside, for somebody at an address. */
  readonly connect: (from: string) => Promise<Duplex>;
  /** Connections at once. */
  readonly limit: number;
  /** Called when bytes pass. */
  readonly used: () => void;
}

/** A port of this computer that leads to a server in a VM. */
export interface RawPort {
  readonly port: number;
  /** Ends it and its connections. Idempotent. */
  close(): void;
}

/** Opens a port that the system chooses. `network-unavailable` when there is none. It asks nobody who he is. */
export async function openRawPort({ bind, connect, limit, used }: RawPortOptions): Promise<RawPort> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, keepAlive: true, noDelay: true });
  server.maxConnections = limit;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    connect(socket.remoteAddress ?? '').then(
      (inside) => joinStreams(socket, inside, used),
      // At its limit, or the server is gone: a closed connection is all that TCP can say.
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new CloudletError('network-unavailable', `no port of ${bind} could be opened: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    server.listen({ host: bind, port: 0 }, resolve);
  });
  server.on('error', () => {
    // Of single connections that could not be accepted; the next one may be.
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Passes bytes both ways until both sides have ended, or one broke. */
export function joinStreams(outer: Duplex, inside: Duplex, used: () => void): void {
  if (outer.destroyed) return void inside.destroy();
  outer.on('data', used);
  inside.on('data', used);
  const both = (error: unknown): void => {
    if (error == null) return;
    outer.destroy();
    inside.destroy();
  };
  pipeline(outer, inside, both);
  pipeline(inside, outer, both);
}

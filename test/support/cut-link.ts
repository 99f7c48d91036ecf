/**
 * A port of this computer that leads to another one, and breaks connections in the middle.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** When connections break. */
export interface Cuts {
  readonly direction: 'there' | 'back';
  /** Bytes in that direction after which one breaks. */
  readonly afterBytes: number;
  /** How many break; the others do not. */
  times: number;
}

/** A link that breaks. Who opens it closes it. */
export interface CutLink {
  readonly port: number;
  /** Bytes that passed in each direction, over all connections. */
  readonly passed: { there: number; back: number };
  readonly cuts: Cuts;
  close(): Promise<void>;
}

/** Opens a link to a port. What was on its way as it breaks arrives: the other end sees an early end. */
export async function openCutLink(target: number, cuts: Cuts): Promise<CutLink> {
  const passed = { there: 0, back: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    let isBroken = false;
    const carry = (from: Socket, to: Socket, direction: 'there' | 'back') => {
      let here = 0;
      from.on('data', (bytes: Buffer) => {
        if (isBroken) return;
        here += bytes.length;
        passed[direction] += bytes.length;
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        if (direction !== cuts.direction || cuts.times === 0 || here <= cuts.afterBytes) return;
        cuts.times -= 1;
        isBroken = true;
        from.destroy();
        to.end();
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      sockets.add(from);
      from.on('close', () => sockets.delete(from));
    };
    carry(near, far, 'there');
    carry(far, near, 'back');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed,
    cuts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

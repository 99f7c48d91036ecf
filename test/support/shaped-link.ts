import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A link as a device has it: what passes a second, and how long a message and its answer are on the way beside that. */
export interface LinkShape {
  readonly bitsPerS: number;
  readonly roundTripMs: number;
}

/** Bytes of one direction that wait at the link before it; who sends more is slowed down, as by a router's queue. */
const QUEUE_BYTES = 128 * 1024;

/** Longest piece that passes at once: shorter ones take turns more finely than timers can tell. */
const PIECE_BYTES = 8 * 1024;

/**
 * When bytes arrive that pass one direction of a link: a token bucket of no depth. All connections share it, each waits for what was sent before.
 * Pure but for its memory of the last time; `nowMs` never goes back.
 */
export class LinkSchedule {
  readonly #shape: LinkShape;
  #freeAtMs = 0;

  constructor(shape: LinkShape) {
    this.#shape = shape;
  }

  /** Milliseconds: `sentMs` when the last of the bytes has left, `arrivesMs` when it is at the other end. */
  pass(bytes: number, nowMs: number): { readonly sentMs: number; readonly arrivesMs: number } {
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes * 8 * 1000) / this.#shape.bitsPerS;
    return { sentMs: this.#freeAtMs, arrivesMs: this.#freeAtMs + this.#shape.roundTripMs / 2 };
  }
}

/** A port of the loopback that leads to another one over a link of that shape. Not the kernel's: no right is needed, nobody else is slowed. */
export class ShapedLink {
  readonly port: number;
  /** Bytes that passed so far: to the port behind, and back. */
  readonly passed = { there: 0, back: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number, shape: LinkShape) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    const there = new LinkSchedule(shape);
    const back = new LinkSchedule(shape);
    server.on('connection', (near) => {
      const far = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      near.setNoDelay(true);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        // The other end hears of it by its own close.
        socket.on('error', () => undefined);
      }
      this.#carry(near, far, there, 'there');
      this.#carry(far, near, back, 'back');
    });
  }

  /** Opens a link to a port of the loopback. Whoever opens it closes it. */
  static async open(target: number, shape: LinkShape): Promise<ShapedLink> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ShapedLink(server, target, shape);
  }

  /** Breaks all connections, as when the device walks away; new ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(from: Socket, to: Socket, schedule: LinkSchedule, way: 'there' | 'back'): void {
    /** In the order of sending, each with its time. */
    const flying: { readonly arrivesMs: number; readonly piece: Uint8Array | null }[] = [];
    let queued = 0;
    let timer: NodeJS.Timeout | undefined;
    const land = () => {
      timer = undefined;
      const now = performance.now();
      while (flying.length > 0 && flying[0]!.arrivesMs <= now) {
        const { piece } = flying.shift()!;
        if (piece === null) {
          to.end();
          continue;
        }
        this.passed[way] += piece.length;
        queued -= piece.length;
        if (!to.destroyed) to.write(piece);
      }
      if (queued < QUEUE_BYTES && !to.writableNeedDrain) from.resume();
      wait();
    };
    const wait = () => {
      if (timer !== undefined || flying.length === 0) return;
      timer = setTimeout(land, Math.max(0, flying[0]!.arrivesMs - performance.now()));
    };
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        flying.push({ arrivesMs: schedule.pass(piece.length, performance.now()).arrivesMs, piece });
        queued += piece.length;
      }
      if (queued >= QUEUE_BYTES) from.pause();
      wait();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      flying.push({ arrivesMs: schedule.pass(0, performance.now()).arrivesMs, piece: null });
      wait();
    });
    // A break of either side is one of the other, at once; a good end is handed on in its order.
    from.on('close', (broken) => {
      if (broken) to.resetAndDestroy();
    });
    to.on('close', (broken) => {
      clearTimeout(timer);
      if (broken) from.resetAndDestroy();
    });
  }
}

import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionBudget } from '../connection-budget.ts';
import type { LocalEnd } from '../dialer.ts';
import { asNetworkFailure, NetworkFailure } from '../network-failure.ts';

/** An address and port that a guest has for itself. It is held by a socket that listens, but nobody gets in before the guest listens. */
export class TcpBinding {
  readonly #server: Server;
  readonly #budget: ConnectionBudget;
  readonly #admits: (socket: Socket) => boolean;
  readonly #waiting: Socket[] = [];
  readonly #takers: ((socket: Socket) => void)[] = [];
  #backlog = 0;
  #closed = false;

  private constructor(server: Server, budget: ConnectionBudget, admits: (socket: Socket) => boolean) {
    this.#server = server;
    this.#budget = budget;
    this.#admits = admits;
    server.on('connection', (socket) => this.#welcome(socket));
  }

  /** Binds. Rejects with `NetworkFailure`. */
  static async open(
    local: LocalEnd,
    budget: ConnectionBudget,
    admits: (socket: Socket) => boolean,
  ): Promise<TcpBinding> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(asNetworkFailure(error)));
      server.listen({ host: local.address, port: local.port, ipv6Only: true }, resolve);
    });
    server.on('error', () => {});
    return new TcpBinding(server, budget, admits);
  }

  /** The port that it has. */
  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  /** From now on peers get in, this many ahead of the guest. */
  listen(backlog: number): void {
    this.#backlog = backlog;
  }

  get listening(): boolean {
    return this.#backlog > 0;
  }

  /** The next connection. Rejects when the signal aborts. */
  accept(signal: AbortSignal): Promise<Socket> {
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve, reject) => {
      const take = (socket: Socket) => {
        signal.removeEventListener('abort', abort);
        resolve(socket);
      };
      const abort = () => {
        this.#takers.splice(this.#takers.indexOf(take), 1);
        reject(new NetworkFailure('aborted', 'the connection is not wanted any more'));
      };
      if (signal.aborted || this.#closed) return reject(new NetworkFailure('aborted', 'the socket is closed'));
      signal.addEventListener('abort', abort, { once: true });
      this.#takers.push(take);
    });
  }

  /** Lets go of address and port; connections that were accepted stay. Resolves when they are free. */
  close(): Promise<void> {
    this.#closed = true;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    return new Promise((resolve) => {
      if (!this.#server.listening) return resolve();
      // The callback would wait for accepted connections too; the port is free at once.
      this.#server.close();
      setImmediate(resolve);
    });
  }

  #welcome(socket: Socket): void {
    // An error that nobody hears ends the program.
    socket.on('error', () => {});
    if (
      !this.listening ||
      !this.#admits(socket) ||
      (this.#takers.length === 0 && this.#waiting.length >= this.#backlog)
    ) {
      socket.destroy();
      return;
    }
    if (!this.#budget.tryTake()) {
      socket.destroy();
      return;
    }
    socket.once('close', () => {
      this.#budget.release();
      const at = this.#waiting.indexOf(socket);
      if (at >= 0) this.#waiting.splice(at, 1);
    });
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(socket);
    else taker(socket);
  }
}

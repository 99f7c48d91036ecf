import type { Socket } from 'node:net';
import type { ConnectionBudget } from '../connection-budget.ts';
import type { Destination, Scheme } from '../host-pattern.ts';

/** Whom a connection leads to. */
export interface Peer extends Destination {
  readonly scheme: Scheme;
}

/** Makes a new connection within a time. */
export type OpenConnection = (peer: Peer, timeoutMs: number, signal: AbortSignal) => Promise<Socket>;

/** A connection that serves one exchange. */
export interface Lease {
  readonly socket: Socket;
  /** Whether it served another exchange before: its peer may have closed it meanwhile. */
  readonly reused: boolean;
  /** The exchange is over and the connection as new. */
  giveBack(): void;
  /** The connection is not to be used again. */
  destroy(): void;
}

interface Waiting {
  readonly key: string;
  readonly hand: (socket: Socket) => void;
}

interface Idle {
  readonly key: string;
  readonly useless: () => void;
}

/** The connections of one function's HTTP, kept alive between exchanges, within its budget. */
export class ConnectionPool {
  readonly #open: OpenConnection;
  readonly #budget: ConnectionBudget;
  readonly #idleMs: number;
  /** Oldest first. */
  readonly #idle = new Map<Socket, Idle>();
  readonly #waiting = new Set<Waiting>();
  readonly #sockets = new Set<Socket>();
  #closed = false;

  constructor(open: OpenConnection, budget: ConnectionBudget, idleMs: number) {
    this.#open = open;
    this.#budget = budget;
    this.#idleMs = idleMs;
    budget.onPressure(() => this.#closeOldest());
  }

  /** Connections that serve nobody. */
  get idle(): number {
    return this.#idle.size;
  }

  /** A connection to a peer, within a time. `fresh`: not one that served before. Rejects with `NetworkFailure`. */
  async acquire(peer: Peer, timeoutMs: number, signal: AbortSignal, fresh = false): Promise<Lease> {
    const key = `${peer.scheme}://${peer.host}:${peer.port}`;
    if (!fresh) {
      const kept = this.#takeIdle(key);
      if (kept !== undefined) return this.#lease(kept, key, true);
    }
    const until = performance.now() + timeoutMs;
    if (!this.#budget.tryTake()) {
      const handed = await this.#handedOrPlace(key, timeoutMs, signal);
      if (handed !== null) return this.#lease(handed, key, true);
    }
    try {
      const socket = await this.#open(peer, Math.max(1, until - performance.now()), signal);
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#idle.delete(socket);
        this.#budget.release();
      });
      if (this.#closed) socket.destroy();
      return this.#lease(socket, key, false);
    } catch (error) {
      this.#budget.release();
      throw error;
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Waits for what comes first: a connection to this peer that another exchange gives back, or null for a place of one's own. */
  async #handedOrPlace(key: string, timeoutMs: number, signal: AbortSignal): Promise<Socket | null> {
    let handed: Socket | null = null;
    const enough = new AbortController();
    const abort = () => enough.abort();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const timer = setTimeout(abort, timeoutMs);
    const waiting = {
      key,
      hand: (socket: Socket) => {
        handed = socket;
        abort();
      },
    };
    this.#waiting.add(waiting);
    try {
      await this.#budget.take(enough.signal);
      // Both may come at once.
      if (handed !== null) this.#budget.release();
      return handed;
    } catch (error) {
      if (handed !== null) return handed;
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(waiting);
    }
  }

  #lease(socket: Socket, key: string, reused: boolean): Lease {
    let over = false;
    return {
      socket,
      reused,
      giveBack: () => {
        if (over) return;
        over = true;
        this.#keep(socket, key);
      },
      destroy: () => {
        if (over) return;
        over = true;
        socket.destroy();
      },
    };
  }

  #keep(socket: Socket, key: string): void {
    if (this.#closed || socket.destroyed || !socket.writable) {
      socket.destroy();
      return;
    }
    for (const waiting of this.#waiting) {
      if (waiting.key !== key) continue;
      this.#waiting.delete(waiting);
      waiting.hand(socket);
      return;
    }
    if (this.#budget.waiting > 0) {
      socket.destroy();
      return;
    }
    // What a peer says without being asked, or its end, makes the connection useless.
    const useless = () => socket.destroy();
    this.#idle.set(socket, { key, useless });
    socket.on('data', useless).on('end', useless).on('error', useless);
    socket.setTimeout(this.#idleMs, useless);
    // A connection that serves nobody does not keep the program.
    socket.unref();
    socket.resume();
  }

  #takeIdle(key: string): Socket | undefined {
    // The newest, which its peer has least reason to have closed.
    let found: Socket | undefined;
    for (const [socket, idle] of this.#idle) {
      if (idle.key === key && !socket.destroyed && socket.writable) found = socket;
    }
    if (found === undefined) return undefined;
    const { useless } = this.#idle.get(found)!;
    this.#idle.delete(found);
    found.off('data', useless).off('end', useless).off('error', useless);
    found.setTimeout(0, useless);
    found.ref();
    return found;
  }

  /** Its place comes back when it has closed, a moment from now; who asked waits for it. */
  #closeOldest(): void {
    const [oldest] = this.#idle.keys();
    if (oldest === undefined) return;
    this.#idle.delete(oldest);
    oldest.destroy();
  }
}

import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Clock } from '../sandbox/clock.ts';

/** How long a connection that serves nobody is kept. Servers commonly close after 5 s and more. */
const IDLE_MS = 4_000;

/** What connections of a VM are made of. */
export interface VmConnectionsOptions {
  /** Makes a new one to the server's port. */
  readonly connect: (signal?: AbortSignal) => Promise<Duplex>;
  /** Connections at once, those that serve nobody included. */
  readonly limit: number;
  readonly clock: Clock;
}

/** The connections into one VM: counted, and kept for the next request of HTTP. */
export class VmConnections {
  readonly #options: VmConnectionsOptions;
  readonly #all = new Set<Duplex>();
  /** Oldest first, each with what takes it out again. */
  readonly #idle = new Map<Duplex, () => void>();
  #opening = 0;
  #closed = false;

  constructor(options: VmConnectionsOptions) {
    this.#options = options;
  }

  /** Connections there are. */
  get used(): number {
    return this.#all.size + this.#opening;
  }

  /** Those of them that serve nobody. */
  get idle(): number {
    return this.#idle.size;
  }

  /** A new connection. `at-capacity` when the VM has as many as it may; `not-ready` when nothing listens inside. */
  async open(signal?: AbortSignal): Promise<Duplex> {
    const { connect, limit } = this.#options;
    if (this.used >= limit) this.#dropOldest();
    if (this.used >= limit) {
      throw new CloudletError(
        'at-capacity',
        `the VM has its ${limit} connections; close one, try again, or start a VM of your own`,
        { retryAfterS: 1 },
      );
    }
    this.#opening += 1;
    try {
      const connection = await connect(signal);
      this.#all.add(connection);
      // Without this an error that nobody hears would end the program; who uses the connection hears of it by its close.
      connection.on('error', () => undefined);
      connection.once('close', () => this.#forget(connection));
      if (this.#closed || signal?.aborted) connection.destroy();
      return connection;
    } finally {
      this.#opening -= 1;
    }
  }

  /** One that served before and serves nobody now: the newest, which its server has least reason to have closed. */
  takeIdle(): Duplex | null {
    const newest = [...this.#idle.keys()].at(-1);
    if (newest === undefined) return null;
    this.#idle.get(newest)!();
    return newest.destroyed || !newest.writable ? this.takeIdle() : newest;
  }

  /** Takes back a connection whose exchange is over. */
  keep(connection: Duplex): void {
    if (this.#closed || connection.destroyed || !connection.writable) {
      connection.destroy();
      return;
    }
    // What a server says without being asked, or its end, makes the connection useless.
    const useless = (): void => void connection.destroy();
    const cancel = this.#options.clock.after(IDLE_MS, useless);
    connection.on('data', useless).on('end', useless);
    this.#idle.set(connection, () => {
      cancel();
      this.#idle.delete(connection);
      connection.off('data', useless).off('end', useless);
    });
    connection.resume();
  }

  /** Ends all of them, and those that are being made. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.destroy();
  }

  #dropOldest(): void {
    const [oldest] = this.#idle.keys();
    if (oldest === undefined) return;
    this.#forget(oldest);
    oldest.destroy();
  }

  #forget(connection: Duplex): void {
    this.#idle.get(connection)?.();
    this.#all.delete(connection);
  }
}

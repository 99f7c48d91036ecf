import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Clock } from '../sandbox/clock.ts';
import { FairPlaces } from './fair-places.ts';
import { Lease } from './lease.ts';

/** How long a connection that serves nobody is kept. Servers commonly close after 5 s and more. */
const IDLE_MS = 4_000;

/** Requests that one user may have at once for each connection that is left: three quarters when nobody else has any. */
const REQUEST_SHARE = 3;

/** What connections of a VM are made of. */
export interface VmConnectionsOptions {
  /** Makes a new one to the server's port. */
  readonly connect: (signal?: AbortSignal) => Promise<Duplex>;
  /** Connections at once, those that serve nobody included. */
  readonly limit: number;
  /** How long an exchange may go on without a byte in either direction, milliseconds: else it would hold a connection and the VM's lease for ever. */
  readonly quietMs: number;
  readonly clock: Clock;
}

/** An exchange that is watched for bytes. */
export interface QuietWatch {
  /** Bytes pass. */
  readonly passed: () => void;
  /** It is over. */
  readonly end: () => void;
}

/** The connections into one VM: counted, and kept for the next request of HTTP. */
export class VmConnections {
  readonly #options: VmConnectionsOptions;
  readonly #all = new Set<Duplex>();
  /** Oldest first, each with what takes it out again. */
  readonly #idle = new Map<Duplex, () => void>();
  readonly #requests: FairPlaces;
  #opening = 0;
  #closed = false;

  constructor(options: VmConnectionsOptions) {
    this.#options = options;
    this.#requests = new FairPlaces({
      ...{ limit: options.limit, share: REQUEST_SHARE, what: 'connections into the VM' },
      ...{ remedy: 'end one, try again, or start a VM of your own', retryAfterS: 1 },
    });
  }

  /** Connections there are. */
  get used(): number {
    return this.#all.size + this.#opening;
  }

  /** Those of them that serve nobody. */
  get idle(): number {
    return this.#idle.size;
  }

  /** Lets a user's request in until the returned function is called; `at-capacity` when the user has its share of the connections. */
  admit(user: string): () => void {
    return this.#requests.take(user);
  }

  /** A new connection that counts as one of a user's. */
  async openFor(user: string, signal?: AbortSignal): Promise<Duplex> {
    const leave = this.admit(user);
    try {
      const connection = await this.open(signal);
      connection.once('close', leave);
      return connection;
    } catch (error) {
      leave();
      throw error;
    }
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

  /** Watches an exchange: `stalled` is told once, with why, when no bytes pass for too long. */
  watch(stalled: (error: CloudletError) => void): QuietWatch {
    const { clock, quietMs } = this.#options;
    const lease = new Lease(clock, quietMs, () =>
      stalled(
        new CloudletError(
          'deadline-exceeded',
          `expected bytes of the server or of its caller within ${quietMs / 1000} s, none passed; long work has to say that it goes on`,
        ),
      ),
    );
    return { passed: () => lease.renew(), end: () => lease.end() };
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

import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { OutsideRefusal } from '../outside-service.ts';
import type { AddressPolicy } from './address-policy.ts';
import { formatIp, type IpBytes, parseIp } from './ip-address.ts';
import { asNetworkFailure, NetworkFailure } from './network-failure.ts';
import { Turns } from './turns.ts';

/** Finds the addresses of a name, as texts. It need not stop when the signal aborts; it should not begin then. */
export type Resolver = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Connects to one address; the name plays no part any more. Destroys the socket when the signal aborts. */
export type Connector = (
  address: string,
  port: number,
  options: ConnectOptions,
  signal: AbortSignal,
) => Promise<Socket>;

/** How to connect. */
export interface ConnectOptions {
  /** Null: from whatever address and port the system takes. */
  readonly local: LocalEnd | null;
  /** Whether the connection stays open for writing when the peer has ended its side. */
  readonly halfOpen: boolean;
}

/** The address and port that a connection shall come from. */
export interface LocalEnd {
  readonly address: string;
  readonly port: number;
}

/** A name server can answer with thousands of addresses; no program tries more than a few. */
const MAX_ADDRESSES = 16;
/** Addresses that one connection tries, each within its share of the time. */
const MAX_ATTEMPTS = 4;

/** Resolves names and connects to addresses that the policy allows, never to a name: what was checked is what is connected to. */
export class Dialer {
  readonly #policy: AddressPolicy;
  readonly #resolver: Resolver;
  readonly #connector: Connector;
  /** One name at a time, so that slow names of one function leave the system's resolver to the others. */
  readonly #lookups = new Turns(1);

  constructor(policy: AddressPolicy, resolver: Resolver = systemResolver, connector: Connector = systemConnector) {
    this.#policy = policy;
    this.#resolver = resolver;
    this.#connector = connector;
  }

  /** Whether the policy allows an address. */
  allows(address: IpBytes): boolean {
    return this.#policy(address);
  }

  /** The allowed addresses of a host, in the resolver's order. Rejects with `NetworkFailure` when there are none. */
  async addresses(host: string, signal: AbortSignal): Promise<IpBytes[]> {
    const literal = parseIp(host);
    const found = literal === null ? await this.#resolve(host, signal) : [literal];
    if (found.length === 0) throw new NetworkFailure('name-unknown', 'ENOTFOUND');
    const allowed = found.filter((address) => this.#policy(address));
    if (allowed.length === 0) {
      throw new NetworkFailure(
        'prohibited',
        `${host} is at ${found.map(formatIp).join(', ')}, which functions may not reach here; "privateNetworks" of the cloudlet's policy (--policy) names exceptions`,
      );
    }
    return allowed;
  }

  /** A connection to the first allowed address of a host that takes one, within `timeoutMs` in all. */
  async dial(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
    const until = performance.now() + timeoutMs;
    const addresses = (await within(timeoutMs, signal, (limited) => this.addresses(host, limited))).slice(
      0,
      MAX_ATTEMPTS,
    );
    let failure: unknown = new NetworkFailure('timeout', 'ETIMEDOUT');
    for (const [at, address] of addresses.entries()) {
      const shareMs = (until - performance.now()) / (addresses.length - at);
      if (shareMs <= 0 || signal.aborted) break;
      try {
        return await this.connect(address, port, { local: null, halfOpen: false }, shareMs, signal);
      } catch (error) {
        failure = error;
      }
    }
    throw asNetworkFailure(failure);
  }

  /** A connection to one address, which is checked. */
  async connect(
    address: IpBytes,
    port: number,
    options: ConnectOptions,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Socket> {
    const text = formatIp(address);
    if (!this.#policy(address))
      throw new NetworkFailure(
        'prohibited',
        `functions may not reach ${text} here; "privateNetworks" of the cloudlet's policy (--policy) names exceptions`,
      );
    return within(timeoutMs, signal, (limited) => this.#connector(text, port, options, limited));
  }

  async #resolve(name: string, signal: AbortSignal): Promise<IpBytes[]> {
    const looked = this.#lookups.run(() => this.#resolver(name, signal), signal);
    const texts = await untilAborted(looked, signal);
    return texts
      .slice(0, MAX_ADDRESSES)
      .map(parseIp)
      .filter((address) => address !== null);
  }
}

/**
 * Lookups of the system at once, of all functions together. Each holds one of the four threads that Node has for files too, for as
 * long as a name server that a guest chose lets it wait.
 */
const lookups = new Turns(2);

/** The system's resolver, as every program of this computer uses it. */
export const systemResolver: Resolver = (name, signal) =>
  lookups.run(async () => (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address), signal);

/** Connects by TCP. */
export const systemConnector: Connector = (address, port, { local, halfOpen }, signal) =>
  new Promise((resolve, reject) => {
    const from = local === null ? {} : { localAddress: local.address, localPort: local.port };
    const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: halfOpen, ...from });
    const abort = () => socket.destroy(new NetworkFailure('aborted', 'the connection is not wanted any more'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Stays for the socket's life: an error that nobody hears ends the program. Who uses the socket hears of it by its close.
    socket.on('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(asNetworkFailure(error));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
  });

/** Gives what an operation gives, or fails with `timeout` after a time. */
export async function within<Result>(
  timeoutMs: number,
  signal: AbortSignal,
  operation: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const forward = () => limit.abort();
  if (signal.aborted) limit.abort();
  signal.addEventListener('abort', forward, { once: true });
  try {
    return await operation(limit.signal);
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) throw new NetworkFailure('timeout', 'ETIMEDOUT', error);
    throw error instanceof OutsideRefusal ? error : asNetworkFailure(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', forward);
  }
}

/** What a promise gives, unless the signal aborts before. What the promise does then is nobody's concern. */
function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new NetworkFailure('aborted', 'the name is not wanted any more'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

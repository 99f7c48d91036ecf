import type { OutsideServices } from '../outside-service.ts';
import { addressPolicy } from './address-policy.ts';
import { ConnectionBudget } from './connection-budget.ts';
import { type Connector, Dialer, type Resolver, within } from './dialer.ts';
import { ConnectionPool } from './http/connection-pool.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits, httpSend } from './http/http-service.ts';
import { secure } from './http/secure.ts';
import { type OwnNetworks, systemNetworks } from './own-networks.ts';
import { dnsResolve } from './sockets/lookup-service.ts';
import { SocketGate, type SocketGrant } from './sockets/socket-gate.ts';
import { TcpServices } from './sockets/tcp-services.ts';
import { udpBind } from './sockets/udp-service.ts';

/** What a function version may reach. */
export interface NetworkPolicy {
  /** Patterns of hosts for requests of HTTP; see `hostPatterns`. */
  readonly allowedHosts: readonly string[];
  /** Ranges of addresses (CIDR) that may be reached though they are not public. */
  readonly allowedRanges: readonly string[];
  /** What its sockets may do; without it there are none. */
  readonly sockets?: SocketGrant;
  /** Connections at once, of all its instances together; a budget when it shares them with others, such as its function's other versions. */
  readonly connections: number | ConnectionBudget;
  readonly http?: Partial<HttpLimits>;
}

/** What a network is made of. The defaults are the computer's. */
export interface NetworkWorld {
  readonly resolver?: Resolver;
  readonly connector?: Connector;
  readonly ownNetworks?: OwnNetworks;
  /** Certificates (PEM) to believe in place of those that come with Node. */
  readonly authorities?: readonly string[];
}

/** The network of one function version: who opens it closes it when the version is gone. */
export interface Network {
  readonly services: OutsideServices;
  /** Connections there are, those that serve nobody included. */
  readonly connections: number;
  /** Ends all connections. May be called again. */
  close(): void;
}

/** How long a connection of HTTP is kept for the next request. Servers commonly close after 5 s and more. */
const IDLE_MS = 4000;
/** How long a socket may take to connect, a name to be looked up. */
const SOCKET_MS = 30_000;

/** Opens the network of a function version. Services that nothing was granted of are not there. Throws `CloudletError` for a policy that cannot be read. */
export function openNetwork(policy: NetworkPolicy, world: NetworkWorld = {}): Network {
  const { connections } = policy;
  const budget = typeof connections === 'number' ? new ConnectionBudget(connections) : connections;
  const addresses = addressPolicy(policy.allowedRanges, world.ownNetworks ?? systemNetworks());
  const dialer = new Dialer(addresses, world.resolver, world.connector);
  const pool = new ConnectionPool(
    ({ scheme, host, port }, timeoutMs, signal) =>
      within(timeoutMs, signal, async (limited) => {
        const socket = await dialer.dial(host, port, timeoutMs, limited);
        return scheme === 'http' ? socket : secure(socket, host, world.authorities ?? null, limited);
      }),
    budget,
    IDLE_MS,
  );
  const limits = { ...DEFAULT_HTTP_LIMITS, ...policy.http };
  const http: OutsideServices =
    policy.allowedHosts.length === 0 ? {} : { 'http.send': httpSend(policy.allowedHosts, pool, limits) };
  const sockets = policy.sockets === undefined ? null : openSockets(policy.sockets, dialer, budget);
  return {
    services: { ...http, ...sockets?.services },
    get connections() {
      return budget.used;
    },
    close() {
      pool.close();
      sockets?.close();
    },
  };
}

function openSockets(grant: SocketGrant, dialer: Dialer, budget: ConnectionBudget) {
  const gate = new SocketGate(grant, dialer);
  const tcp = new TcpServices(gate, dialer, budget, SOCKET_MS);
  const services: OutsideServices = {
    ...tcp.services,
    'udp.bind': udpBind(gate, dialer, budget),
    'dns.resolve': dnsResolve(gate, SOCKET_MS),
  };
  return { services, close: () => tcp.close() };
}

import type { Dialer } from '../dialer.ts';
import { type HostPatterns, hostPatterns, parseDestination } from '../host-pattern.ts';
import { formatIp, type IpBytes } from '../ip-address.ts';
import type { SocketEnd } from '../messages.ts';
import { socketRefusal } from './socket-refusal.ts';

/** What a function's sockets may do. */
export interface SocketGrant {
  /** Patterns of hosts with ports; see `hostPatterns`. */
  readonly tcp: readonly string[];
  readonly udp: readonly string[];
  /** Whether any name may be looked up, and not only those that the patterns name. */
  readonly lookup: boolean;
  /** Whether it may bind to addresses of this computer that its ranges allow, and be connected to there. */
  readonly listen: boolean;
}

/** Names of addresses that are remembered: a guest chooses how many it looks up. */
const MAX_REMEMBERED = 1024;

/** Decides what a function's sockets may reach: by the grant, and by the policy for the address itself. */
export class SocketGate {
  readonly listen: boolean;
  readonly #lookup: boolean;
  readonly #patterns: Readonly<Record<'tcp' | 'udp', HostPatterns>>;
  readonly #named: HostPatterns;
  readonly #dialer: Dialer;
  /** Names that the grant knows, by the address that they had; oldest first. */
  readonly #names = new Map<string, Set<string>>();

  constructor(grant: SocketGrant, dialer: Dialer) {
    this.listen = grant.listen;
    this.#lookup = grant.lookup;
    this.#patterns = { tcp: hostPatterns(grant.tcp), udp: hostPatterns(grant.udp) };
    this.#named = hostPatterns([...grant.tcp, ...grant.udp].map((text) => text.replace(/(:[0-9]{1,5}|:\*)?$/, ':*')));
    this.#dialer = dialer;
  }

  /** The allowed addresses of a name. Rejects with an `OutsideRefusal` or `NetworkFailure`. */
  async resolve(name: string, signal: AbortSignal): Promise<readonly IpBytes[]> {
    const destination = parseDestination(name.includes(':') ? `[${name}]` : name, 'http');
    if (destination === null)
      throw socketRefusal('invalid-argument', 'expected a name such as db.example.org, or an address');
    const { host } = destination;
    const granted = this.#named({ host, port: 1 }, null);
    if (!granted && !this.#lookup)
      throw socketRefusal(
        'access-denied',
        `the function was not granted to look up ${host}; "sockets" in cloudlet.json has "lookup"`,
      );
    const addresses = await this.#dialer.addresses(host, signal);
    if (granted) for (const address of addresses) this.#remember(formatIp(address), host);
    return addresses;
  }

  /** Whether a socket may reach, or hear of, this end. */
  reaches(kind: 'tcp' | 'udp', { address, port }: SocketEnd): boolean {
    if (!this.#dialer.allows(address)) return false;
    const text = formatIp(address);
    const granted = this.#patterns[kind];
    if (granted({ host: text, port }, null)) return true;
    for (const host of this.#names.get(text) ?? []) if (granted({ host, port }, null)) return true;
    return false;
  }

  #remember(address: string, name: string): void {
    const names = this.#names.get(address) ?? new Set();
    this.#names.delete(address);
    this.#names.set(address, names.size < 16 ? names.add(name) : new Set([name]));
    const [oldest] = this.#names.keys();
    if (this.#names.size > MAX_REMEMBERED) this.#names.delete(oldest!);
  }
}

/**
 * Multicast DNS on Node: finding cloudlets, and the link on which a host advertises itself. A door of its own, because the rest
 * of the client runs where there are no sockets.
 */
import { networkInterfaces } from 'node:os';
import mdns from 'multicast-dns';
import { CloudletError } from '../protocol/index.ts';
import { type DnsRecord, type FoundCloudlet, SERVICE_NAME, Sightings } from './sighting.ts';

export { type DnsRecord, type FoundCloudlet, SERVICE_NAME } from './sighting.ts';

/** Port of multicast DNS. Who asks from another port understands unicast answers only (RFC 6762 section 6.7). */
export const MDNS_PORT = 5353;

/** When the question is put again, milliseconds after the start: packets get lost, and Wi-Fi loses more of the multicast ones. */
const ASK_AT_MS = [0, 250, 1000, 3000] as const;

/** One IPv4 address of this machine and the network around it. */
export interface LocalNetwork {
  readonly interface: string;
  readonly address: string;
  readonly netmask: string;
}

/** Who sent a packet. */
export interface Sender {
  readonly address: string;
  readonly port: number;
}

/** A decoded packet. */
export interface DnsPacket {
  readonly id?: number | undefined;
  readonly questions?: readonly DnsRecord[] | undefined;
  readonly answers?: readonly DnsRecord[] | undefined;
  readonly authorities?: readonly DnsRecord[] | undefined;
  readonly additionals?: readonly DnsRecord[] | undefined;
}

/** Multicast DNS on one network of this machine. Whoever opens it closes it. */
export interface MulticastLink {
  readonly network: LocalNetwork;
  /** Sends to everybody, or as unicast to one. A packet that cannot be sent is lost, as any may be. */
  readonly send: (kind: 'query' | 'response', packet: DnsPacket, to?: Sender) => Promise<void>;
  /** Idempotent. */
  readonly close: () => Promise<void>;
}

/** Packets heard on a link; only those of its own network come (RFC 6762 section 11). */
export interface LinkListener {
  readonly query?: (packet: DnsPacket, from: Sender) => void;
  readonly response?: (packet: DnsPacket, from: Sender) => void;
}

/** The IPv4 networks that this machine is in now, loopback included. */
export function localNetworks(): LocalNetwork[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((each) => each.family === 'IPv4')
      .slice(0, 1)
      .map(({ address, netmask }) => ({ interface: name, address, netmask })),
  );
}

/** Joins multicast DNS on one network; rejects with `network-unavailable` where that is not possible. */
export function openLink(network: LocalNetwork, listener: LinkListener): Promise<MulticastLink> {
  return new Promise((resolve, reject) => {
    // Bound to the interface's own address, a socket hears no multicast on Linux.
    const socket = mdns({ interface: network.address, bind: '0.0.0.0' });
    let failure: Error | undefined;
    const refuse = (error: Error): void => {
      socket.destroy();
      reject(unavailable(network, error));
    };
    socket.on('error', refuse);
    // Until the link is up, warnings say that the group could not be joined; later ones are packets that do not decode.
    socket.on('warning', (error: Error) => {
      failure ??= error;
    });
    socket.on('query', (packet: DnsPacket, from: Sender) => {
      if (isOnNetwork(from.address, network)) listener.query?.(packet, from);
    });
    socket.on('response', (packet: DnsPacket, from: Sender) => {
      // A response from another port is no multicast DNS: any program could send it.
      if (from.port === MDNS_PORT && isOnNetwork(from.address, network)) listener.response?.(packet, from);
    });
    socket.on('ready', () => {
      if (failure !== undefined) return refuse(failure);
      let closing: Promise<void> | undefined;
      resolve({
        network,
        send: (kind, packet, to) =>
          new Promise((sent) => {
            if (closing !== undefined) return sent();
            const message = packet as Parameters<typeof socket.query>[0] & Parameters<typeof socket.respond>[0];
            if (kind === 'query') socket.query(message, () => sent());
            else if (to === undefined) socket.respond(message, () => sent());
            else socket.respond(message, { address: to.address, port: to.port }, () => sent());
          }),
        close: () => {
          closing ??= new Promise((closed) => socket.destroy(() => closed()));
          return closing;
        },
      });
    });
  });
}

/** How a search is bounded and watched. */
export interface DiscoverOptions {
  /** How long to listen, milliseconds. */
  readonly timeoutMs?: number;
  /** Called once for each cloudlet, as soon as enough is known of it. */
  readonly onFound?: (cloudlet: FoundCloudlet) => void;
  readonly networks?: readonly LocalNetwork[];
  readonly signal?: AbortSignal;
}

/**
 * Asks all networks of this machine for cloudlets and gives those that answered in time, by name; an abort ends the search early.
 * Rejects with `network-unavailable` when no network could be asked.
 */
export async function discover(options: DiscoverOptions = {}): Promise<FoundCloudlet[]> {
  const { timeoutMs = 2000, onFound, networks = localNetworks(), signal } = options;
  const sightings = new Sightings();
  const told = new Set<string>();
  const links: MulticastLink[] = [];
  const ask = (questions: DnsPacket['questions']): void => {
    for (const link of links) void link.send('query', { questions });
  };
  const hear = (packet: DnsPacket): void => {
    sightings.hear([...(packet.answers ?? []), ...(packet.additionals ?? [])]);
    for (const cloudlet of sightings.found()) {
      if (told.has(cloudlet.facts.id)) continue;
      told.add(cloudlet.facts.id);
      onFound?.(cloudlet);
    }
  };
  const opened = await Promise.allSettled(networks.map((network) => openLink(network, { response: hear })));
  for (const each of opened) if (each.status === 'fulfilled') links.push(each.value);
  if (links.length === 0) {
    const refused = opened.find((each) => each.status === 'rejected');
    throw (
      refused?.reason ?? new CloudletError('network-unavailable', 'expected a network with an IPv4 address, found none')
    );
  }
  const timers = ASK_AT_MS.filter((at) => at < timeoutMs).map((at) =>
    setTimeout(() => ask([{ name: SERVICE_NAME, type: 'PTR' }, ...sightings.missing().slice(0, 20)]), at),
  );
  try {
    await elapsed(timeoutMs, signal);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await Promise.all(links.map((link) => link.close()));
  }
  return sightings.found();
}

function elapsed(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

/** Whether an address is in the network around a link. */
export function isOnNetwork(address: string, network: Pick<LocalNetwork, 'address' | 'netmask'>): boolean {
  const mask = asNumber(network.netmask);
  return (asNumber(address) & mask) === (asNumber(network.address) & mask);
}

function asNumber(address: string): number {
  return address.split('.').reduce((number, part) => (number << 8) | (Number(part) & 0xff), 0);
}

function unavailable(network: LocalNetwork, cause: Error): CloudletError {
  return new CloudletError(
    'network-unavailable',
    `multicast DNS does not work on ${network.interface} (${network.address}): ${cause.message}`,
    { cause },
  );
}

import { type LocalNetwork, localNetworks } from '../../guest-sdk/client/mdns.ts';
import { type AdvertisedFacts, advertisementText, instanceLabel } from '../../guest-sdk/protocol/index.ts';
import { networksOf } from './networks.ts';
import { Presence } from './presence.ts';
import type { Service } from './service-records.ts';

/** How often the machine's networks are looked at: a laptop joins others. */
const LOOK_EVERY_MS = 5000;

/** What is advertised, and where. */
export interface AdvertiseOptions {
  readonly facts: AdvertisedFacts;
  /** What people see; the id is added when another cloudlet has the name. */
  readonly name: string;
  readonly port: number;
  /** Address that the host listens on: its networks are the ones that hear of it. */
  readonly bind: string;
  /** Told one sentence when the network cannot be used; the host serves all the same. */
  readonly onTrouble?: (sentence: string) => void;
  /** Told when a network has heard the announcement; the name may differ from the one that was wished for. */
  readonly onAnnounced?: (event: { readonly name: string; readonly network: LocalNetwork }) => void;
  /** The machine's networks now. */
  readonly networks?: () => readonly LocalNetwork[];
}

/** A running advertisement. */
export interface Advertising {
  /** The name in use. */
  readonly name: string;
  /** Says goodbye on all networks. Idempotent. */
  close(): Promise<void>;
}

/**
 * Advertises a host by multicast DNS until it is closed. Never fails and does not wait: what goes wrong is told to `onTrouble`,
 * because a cloudlet that cannot be discovered can still be used by its address.
 */
export function advertise(options: AdvertiseOptions): Advertising {
  const { facts, port, bind, onTrouble = () => {}, onAnnounced, networks = localNetworks } = options;
  const wished = instanceLabel(options.name) || facts.id;
  const text = advertisementText(facts);
  const presences = new Map<string, Promise<Presence | null>>();
  const told = new Set<string>();
  let name = wished;
  let closing: Promise<void> | undefined;

  const service = (): Service => ({ name, id: facts.id, port, text });
  const tellOnce = (sentence: string): void => {
    if (!told.has(sentence)) onTrouble(sentence);
    told.add(sentence);
  };
  // The id is a digest of the key, so the second name is free, and two hosts that collide do not go on doing so.
  const conflict = (): void => {
    if (name !== wished || wished === facts.id) return;
    name = `${instanceLabel(wished.slice(0, 40))} (${facts.id})`;
    for (const presence of presences.values()) void presence.then((each) => each?.rename(service()));
  };
  const open = (network: LocalNetwork): Promise<Presence | null> =>
    Presence.open(service(), network, {
      conflict,
      announced: () => onAnnounced?.({ name, network }),
    }).catch((error: Error) => {
      tellOnce(`${error.message}; devices there reach this cloudlet by its address only`);
      return null;
    });
  const look = (): void => {
    const wanted = new Map(networksOf(bind, networks()).map((network) => [keyOf(network), network]));
    if (wanted.size === 0) {
      tellOnce(
        `expected an IPv4 network at ${bind} to advertise on, found none; devices reach this cloudlet by its address only`,
      );
    }
    for (const [key, presence] of presences) {
      if (wanted.has(key)) continue;
      presences.delete(key);
      void presence.then((each) => each?.close());
    }
    for (const [key, network] of wanted) if (!presences.has(key)) presences.set(key, open(network));
  };

  look();
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return {
    get name() {
      return name;
    },
    close: () => {
      clearInterval(timer);
      closing ??= Promise.all([...presences.values()].map(async (presence) => (await presence)?.close())).then(
        () => {},
      );
      return closing;
    },
  };
}

function keyOf(network: LocalNetwork): string {
  return `${network.interface} ${network.address}`;
}

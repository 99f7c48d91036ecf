/**
 * Puts together what strangers said over multicast DNS: which cloudlets are on the network, and where.
 * Pure and platform-free: packets come decoded, times come as numbers.
 */
import { type AdvertisedFacts, CloudletError, parseAdvertisement, SERVICE_TYPE } from '../protocol/index.ts';

/** A resource record as DNS libraries decode it; only what matters here. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  /** Seconds; 0 takes the record back. */
  readonly ttl?: number | undefined;
  readonly data?: unknown;
}

/** A cloudlet that was found. */
export interface FoundCloudlet {
  /** What its owner calls it. */
  readonly name: string;
  readonly facts: AdvertisedFacts;
  /** `cl-<hex>.local`. */
  readonly host: string;
  readonly port: number;
  /** IPv4 addresses, as said. */
  readonly addresses: readonly string[];
  /** Where to reach it: by address, because not every system resolves `.local`. */
  readonly url: string;
}

/** Names that are remembered: a flood of them must cost nothing. */
const MAX_NAMES = 1000;
const MAX_ADDRESSES = 16;

/** Service type with its domain, as it is asked for. */
export const SERVICE_NAME = `${SERVICE_TYPE}.local`;

interface Location {
  readonly host: string;
  readonly port: number;
}

/** What was heard until now. */
export class Sightings {
  /** Instance names keep the case they came in, for people; all keys are lower case, as DNS compares. */
  readonly #names = new Map<string, string>();
  readonly #locations = new Map<string, Location>();
  readonly #facts = new Map<string, AdvertisedFacts>();
  readonly #addresses = new Map<string, Set<string>>();

  /** Takes the records of one response, answers and additional ones alike. Never throws: what makes no sense is left out. */
  hear(records: Iterable<DnsRecord>): void {
    for (const record of records) {
      switch (record.type) {
        case 'PTR':
          this.#hearName(record);
          break;
        case 'SRV':
          this.#hearLocation(record);
          break;
        case 'TXT':
          this.#hearFacts(record);
          break;
        case 'A':
          this.#hearAddress(record);
          break;
      }
    }
  }

  /** Cloudlets of which everything is known, by name. */
  found(): FoundCloudlet[] {
    const found: FoundCloudlet[] = [];
    for (const [key, instance] of this.#names) {
      const location = this.#locations.get(key);
      const facts = this.#facts.get(key);
      const addresses = location === undefined ? undefined : this.#addresses.get(location.host.toLowerCase());
      if (location === undefined || facts === undefined || addresses === undefined || addresses.size === 0) continue;
      const scheme = facts.tls ? 'https' : 'http';
      const all = [...addresses];
      found.push({
        name: instance,
        facts,
        host: location.host,
        port: location.port,
        addresses: all,
        url: `${scheme}://${all[0]!}:${location.port}`,
      });
    }
    return found.sort((a, b) => a.name.localeCompare(b.name) || a.facts.id.localeCompare(b.facts.id));
  }

  /** Names of instances and hosts of which something is still to be asked for. */
  missing(): { readonly name: string; readonly type: 'SRV' | 'TXT' | 'A' }[] {
    const missing: { name: string; type: 'SRV' | 'TXT' | 'A' }[] = [];
    for (const [key, instance] of this.#names) {
      const name = `${instance}.${SERVICE_NAME}`;
      const location = this.#locations.get(key);
      if (location === undefined) missing.push({ name, type: 'SRV' });
      else if (!this.#addresses.has(location.host.toLowerCase())) missing.push({ name: location.host, type: 'A' });
      if (!this.#facts.has(key)) missing.push({ name, type: 'TXT' });
    }
    return missing;
  }

  #hearName(record: DnsRecord): void {
    if (record.name.toLowerCase() !== SERVICE_NAME || typeof record.data !== 'string') return;
    const instance = instanceOf(record.data);
    if (instance === null) return;
    if (record.ttl === 0) this.#names.delete(instance.toLowerCase());
    else if (this.#names.size < MAX_NAMES) this.#names.set(instance.toLowerCase(), instance);
  }

  #hearLocation(record: DnsRecord): void {
    const key = instanceOf(record.name)?.toLowerCase();
    const { target, port } = asObject(record.data);
    if (key === undefined || this.#locations.size >= MAX_NAMES) return;
    if (typeof target !== 'string' || !isHostName(target)) return;
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) return;
    this.#locations.set(key, { host: target, port });
  }

  #hearFacts(record: DnsRecord): void {
    const key = instanceOf(record.name)?.toLowerCase();
    if (key === undefined || this.#facts.size >= MAX_NAMES) return;
    const strings = Array.isArray(record.data) ? record.data : [record.data];
    if (!strings.every((string) => string instanceof Uint8Array)) return;
    try {
      this.#facts.set(key, parseAdvertisement(strings));
    } catch (error) {
      // Another program of the same service type, or a version that we do not understand: not a cloudlet for us.
      if (!(error instanceof CloudletError)) throw error;
    }
  }

  #hearAddress(record: DnsRecord): void {
    if (typeof record.data !== 'string' || !/^\d{1,3}(\.\d{1,3}){3}$/.test(record.data)) return;
    const host = record.name.toLowerCase();
    const known = this.#addresses.get(host) ?? new Set();
    if (known.size >= MAX_ADDRESSES || this.#addresses.size >= MAX_NAMES) return;
    this.#addresses.set(host, known.add(record.data));
  }
}

/** `Ada’s laptop._cloudlet._tcp.local` → `Ada’s laptop`; null for another service, or a name that could move a terminal's cursor. */
function instanceOf(name: string): string | null {
  const suffix = `.${SERVICE_NAME}`;
  if (!name.toLowerCase().endsWith(suffix)) return null;
  const instance = name.slice(0, -suffix.length);
  return instance === '' || /\p{Cc}/u.test(instance) ? null : instance;
}

function isHostName(text: string): boolean {
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(text);
}

function asObject(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}

import { type DnsRecord, SERVICE_NAME } from '../../guest-sdk/client/mdns.ts';

/** What is advertised: an instance of our service type. */
export interface Service {
  /** Instance label, for people. */
  readonly name: string;
  /** `cl-<hex>`: the host's name without `.local`; the hex comes from a key, so nobody else has it. */
  readonly id: string;
  readonly port: number;
  /** Strings of the TXT record. */
  readonly text: readonly string[];
}

/** A record as DNS libraries encode it. `flush` tells caches that no other host has records of this name and type. */
export interface OwnRecord extends DnsRecord {
  readonly ttl: number;
  readonly class: 'IN';
  readonly flush: boolean;
}

/** All records of a service on one network. */
export interface ServiceRecords {
  readonly instance: string;
  readonly host: string;
  readonly all: readonly OwnRecord[];
  /** Also sent with an answer that contains the key's record, to spare the asker the next question. */
  readonly companions: ReadonlyMap<OwnRecord, readonly OwnRecord[]>;
}

/** Seconds that records with a host name or an address live in caches; others live longer (RFC 6762 section 10). */
const HOST_TTL_S = 120;
const OTHER_TTL_S = 4500;

/** Builds the records by which a service is found at one address. */
export function serviceRecords(service: Service, address: string): ServiceRecords {
  const instance = `${service.name}.${SERVICE_NAME}`;
  const host = `${service.id}.local`;
  const shared = (name: string, data: string): OwnRecord => ({
    ...{ name, type: 'PTR', ttl: OTHER_TTL_S, class: 'IN', flush: false, data },
  });
  const own = (name: string, type: string, ttl: number, data: unknown): OwnRecord => ({
    ...{ name, type, ttl, class: 'IN', flush: true, data },
  });
  const kinds = shared('_services._dns-sd._udp.local', SERVICE_NAME);
  const pointer = shared(SERVICE_NAME, instance);
  const location = own(instance, 'SRV', HOST_TTL_S, { priority: 0, weight: 0, port: service.port, target: host });
  const text = own(
    instance,
    'TXT',
    OTHER_TTL_S,
    service.text.map((string) => Buffer.from(string)),
  );
  const ipv4 = own(host, 'A', HOST_TTL_S, address);
  // Says that there is nothing but an IPv4 address; a phone that asks for IPv6 would wait for an answer otherwise.
  const nothingElse = own(host, 'NSEC', HOST_TTL_S, { nextDomain: host, rrtypes: ['A'] });
  return {
    instance,
    host,
    all: [kinds, pointer, location, text, ipv4, nothingElse],
    companions: new Map([
      [pointer, [location, text, ipv4, nothingElse]],
      [location, [ipv4, nothingElse]],
      [ipv4, [nothingElse]],
    ]),
  };
}

/** The same records taken back. */
export function goodbye(records: ServiceRecords): OwnRecord[] {
  // The list of service types is shared with other programs of this machine and lives on.
  return records.all.filter((record) => record !== records.all[0]).map((record) => ({ ...record, ttl: 0 }));
}

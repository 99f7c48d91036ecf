import { hostname, networkInterfaces } from 'node:os';

/** The names by which this cloudlet may be asked for, so that a web page that rebinds its own name to us starts nothing. */
export interface OwnNames {
  /** Whether a `Host` header (or a URL's authority), with or without port, names this cloudlet. */
  readonly includes: (authority: string) => boolean;
}

/** What a cloudlet is reachable as. */
export interface OwnNamesOptions {
  /** The address it is bound to; `0.0.0.0` and `::` stand for every address of the machine. */
  readonly bind: string;
  /** `cl-<hex>`, which the network knows as `cl-<hex>.local`. */
  readonly id: string;
  readonly allowHosts?: readonly string[];
  /** Addresses of this machine; they change when it joins another network. */
  readonly addresses?: () => readonly string[];
  readonly machineName?: string;
}

const ALWAYS = ['localhost', '127.0.0.1', '[::1]'];
const ADDRESSES_VALID_MS = 5_000;

/** Makes the list of own names. A port is not compared: a forwarded port is honest, and rebinding needs a foreign name, not a foreign port. */
export function ownNames(options: OwnNamesOptions): OwnNames {
  const fixed = new Set([
    ...ALWAYS,
    `${options.id}.local`,
    ...(options.allowHosts ?? []).map((name) => name.toLowerCase()),
  ]);
  const everywhere = options.bind === '0.0.0.0' || options.bind === '::';
  if (everywhere) {
    const machine = (options.machineName ?? hostname()).toLowerCase();
    for (const name of [machine, `${machine}.local`]) fixed.add(name);
  } else fixed.add(asHost(options.bind));

  let addresses = new Set<string>();
  let readAt = Number.NEGATIVE_INFINITY;
  const isOwnAddress = (name: string): boolean => {
    if (performance.now() - readAt > ADDRESSES_VALID_MS) {
      addresses = new Set((options.addresses ?? machineAddresses)().map(asHost));
      readAt = performance.now();
    }
    return addresses.has(name);
  };
  /** The last authority with a name that stays ours: nearly all requests have the same. */
  let known: string | null = null;
  return {
    includes: (authority) => {
      if (authority === known) return true;
      const name = hostOf(authority);
      if (name === null) return false;
      if (!fixed.has(name)) return everywhere && isOwnAddress(name);
      known = authority;
      return true;
    },
  };
}

/** The host of an authority (`host`, `host:port`, `[v6]:port`) in lower case without a final dot, or null when it is none. */
export function hostOf(authority: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/i.exec(authority);
  return match === null ? null : match[1]!.toLowerCase().replace(/\.$/, '');
}

/** Whether an `Origin` header is the origin that a request with this authority was sent to. The scheme may differ: a proxy may add TLS. */
export function isOwnOrigin(origin: string, authority: string): boolean {
  const match = /^(https?):\/\/([^/]+)$/i.exec(origin);
  if (match === null) return false;
  const standardPort = match[1]!.toLowerCase() === 'https' ? ':443' : ':80';
  const plain = (text: string): string => text.toLowerCase().replace(new RegExp(`${standardPort}$`), '');
  return plain(match[2]!) === plain(authority);
}

function asHost(address: string): string {
  return address.includes(':') ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname : address;
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
}

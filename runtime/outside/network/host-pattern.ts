import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { MAX_AUTHORITY } from './messages.ts';

/** Where a request goes, in the one spelling that a URL has for it. */
export interface Destination {
  /** A name in lower case and ASCII, without a dot at its end, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Says whether a grant names a destination. `scheme` is null for a plain socket. */
export type HostPatterns = (destination: Destination, scheme: Scheme | null) => boolean;

/** A scheme of HTTP. */
export type Scheme = 'http' | 'https';

/** The port of a scheme when the authority names none. */
export const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };

interface HostPattern {
  readonly scheme: Scheme | null;
  /** Null is any host. */
  readonly host: string | null;
  /** Whether `host` stands for the names below it. */
  readonly below: boolean;
  /** Null is the scheme's own port. */
  readonly port: number | null | 'any';
}

/**
 * The hosts of a grant: `api.example.org` (the ports 80 and 443 of HTTP), `*.example.org:8443` (any name below, not the name itself),
 * `https://api.example.org`, `127.0.0.1:8080`, `[::1]:*`, `*`. A socket needs a port or `:*` in the pattern.
 */
export function hostPatterns(texts: readonly string[]): HostPatterns {
  const patterns = texts.map(parsePattern);
  return (destination, scheme) => patterns.some((pattern) => matches(pattern, destination, scheme));
}

/** The destination of an authority, `host` or `host:port`; null when it is none. Names nobody: user information, paths and the like are refused. */
export function parseDestination(authority: string, scheme: Scheme): Destination | null {
  const host = hostOf(authority, scheme);
  if (host === null) return null;
  const port = authority.endsWith(':') ? null : /:([0-9]{1,5})$/.exec(authority);
  const number = port === null ? DEFAULT_PORTS[scheme] : Number(port[1]);
  return number >= 1 && number <= 65535 ? { host, port: number } : null;
}

function parsePattern(text: string): HostPattern {
  const match = /^(?:(https?):\/\/)?(\*\.)?(.+?)(?::([0-9]{1,5}|\*))?$/i.exec(text);
  const name = match?.[3];
  const port = match?.[4];
  const host = name === undefined ? null : name === '*' ? '*' : hostOf(name, 'http');
  const below = match?.[2] !== undefined;
  const wrong = host === null || (below && (host === '*' || /^[0-9.]+$|:/.test(host)));
  if (wrong || (port !== undefined && port !== '*' && (Number(port) < 1 || Number(port) > 65535))) {
    throw new CloudletError(
      'request-invalid',
      `expected a host such as "api.example.org", "*.example.org:8443", "https://api.example.org" or "127.0.0.1:8080", got ${JSON.stringify(text)}`,
    );
  }
  return {
    scheme: (match?.[1]?.toLowerCase() as Scheme | undefined) ?? null,
    host: host === '*' ? null : host,
    below,
    port: port === undefined ? null : port === '*' ? 'any' : Number(port),
  };
}

function matches(pattern: HostPattern, { host, port }: Destination, scheme: Scheme | null): boolean {
  if (pattern.scheme !== null && pattern.scheme !== scheme) return false;
  if (pattern.host !== null && !(pattern.below ? host.endsWith(`.${pattern.host}`) : host === pattern.host))
    return false;
  if (pattern.port === 'any') return true;
  return port === (pattern.port ?? (scheme === null ? null : DEFAULT_PORTS[scheme]));
}

/** The host of an authority as a URL spells it: IDNA, odd spellings of IPv4 and case are one text. */
function hostOf(authority: string, scheme: Scheme): string | null {
  // A URL would take what stands before an @ for a user, and what comes after / ? # or \ for something else than the host.
  if (authority.length > MAX_AUTHORITY || /[@/?#\\%\s]/.test(authority) || authority === '') return null;
  let url: URL;
  try {
    url = new URL(`${scheme}://${authority}/`);
  } catch {
    return null;
  }
  // IDNA makes dots of other characters too.
  if (url.hostname.includes('..')) return null;
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname.replace(/\.$/, '');
  return host === '' || host.includes('*') || host.startsWith('.') ? null : host;
}

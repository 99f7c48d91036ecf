import { isLoopbackName } from './registry-reference.ts';

/** The registry that gave an address. */
export interface AskedRegistry {
  readonly origin: string;
  /** Whether it may be asked by plain HTTP. */
  readonly insecure: boolean;
  /** Whether the address is to be shown the password: a token service. */
  readonly isShownCredentials: boolean;
}

/**
 * What is wrong with an address that a registry sends us to (storage, a token service, an upload); null when nothing is. What goes over the network is
 * encrypted, unless it stays on this machine or was asked for otherwise, and a password goes in clear to the registry itself only; no registry elsewhere sends
 * us to this machine, or to the addresses at which clouds tell machines their credentials.
 */
export function addressFault(
  text: string,
  base: string,
  { origin, insecure, isShownCredentials }: AskedRegistry,
): string | null {
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  if (url === null) return `an address, got ${JSON.stringify(text.slice(0, 200))}`;
  const { hostname } = new URL(origin);
  const isOwn = url.hostname === hostname;
  if (!isOwn && isNear(url.hostname) && !isLoopbackName(hostname))
    return `an address that others can reach, got ${url.protocol}//${url.host}`;
  const isPlain =
    url.protocol === 'http:' && (isLoopbackName(url.hostname) || (insecure && (isOwn || !isShownCredentials)));
  return url.protocol === 'https:' || isPlain ? null : `an address of https, got ${url.protocol}//${url.host}`;
}

/** Whether a host is this machine, or is reached over its own link only. The parser of URLs has made other spellings of addresses plain. */
function isNear(hostname: string): boolean {
  return (
    isLoopbackName(hostname) ||
    hostname.endsWith('.localhost') ||
    hostname === '0.0.0.0' ||
    hostname === '[::]' ||
    /^169\.254\./.test(hostname) ||
    /^\[(fe[89ab][0-9a-f]:|::ffff:(7f|a9fe:|0:0\]))/.test(hostname)
  );
}

/**
 * Which hosts and ports are meant: `api.example.org`, `*.example.org:8443`, `192.0.2.7:*`, `[2001:db8::1]:443`, `*`.
 * A leading `*.` stands for one or more labels, a lone `*` for every host. Names are compared in lower case.
 */
export interface HostPattern {
  /** In lower case, without brackets; null: every host. With `*.` in front, all names below it. */
  readonly host: string | null;
  /** Null: every port. `default`: that of the scheme of HTTP, 80 or 443. */
  readonly port: number | 'default' | null;
}

/** How a pattern without a port is read. */
export interface PatternRules {
  /** `scheme`: of http, where the scheme says it; `named`: of sockets, where one must be said, `*` for all. */
  readonly port: 'scheme' | 'named';
}

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
const ADDRESS_6 = /^[0-9a-f:.]{2,45}$/;

/** Reads a pattern; a string is what is wrong with it, for people. */
export function parseHostPattern(text: string, rules: PatternRules): HostPattern | string {
  if (text.length > 300) return 'more than 300 characters';
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text.toLowerCase());
  if (match === null) return 'no host and port';
  const [, address, name, portText] = match;
  const host = address ?? name!;
  if (
    address === undefined ? host !== '*' && !isName(host) : !(ADDRESS_6.test(host) && URL.canParse(`http://[${host}]/`))
  ) {
    return 'no host name or address';
  }
  const port = parsePort(portText);
  if (port === undefined) {
    const isDefault = rules.port === 'scheme' && portText === undefined;
    return isDefault ? { host: hostOf(host), port: 'default' } : 'no port from 1 to 65535, or "*"';
  }
  return { host: hostOf(host), port };
}

/** Whether every host and port that `narrow` means is meant by `wide` too. */
export function coversPattern(wide: HostPattern, narrow: HostPattern): boolean {
  return coversPort(wide.port, narrow.port) && coversHost(wide, narrow);
}

function coversPort(wide: HostPattern['port'], narrow: HostPattern['port']): boolean {
  return wide === null || wide === narrow || (wide === 'default' && (narrow === 80 || narrow === 443));
}

function coversHost(wide: HostPattern, narrow: HostPattern): boolean {
  if (wide.host === null) return true;
  if (narrow.host === null) return false;
  if (!wide.host.startsWith('*.')) return wide.host === narrow.host;
  const below = wide.host.slice(1);
  return narrow.host.startsWith('*.')
    ? narrow.host === wide.host || narrow.host.slice(1).endsWith(below)
    : narrow.host.endsWith(below) && !isAddress4(narrow.host);
}

/** What both mean, or null: patterns form a tree of hosts by a row of ports, so it is a pattern again. */
export function intersectPatterns(a: HostPattern, b: HostPattern): HostPattern | null {
  const host = coversHost(a, b) ? b.host : coversHost(b, a) ? a.host : undefined;
  const port = coversPort(a.port, b.port) ? b.port : coversPort(b.port, a.port) ? a.port : undefined;
  return host === undefined || port === undefined ? null : { host, port };
}

/** A pattern as text that `parseHostPattern` reads. */
export function formatHostPattern({ host, port }: HostPattern): string {
  const name = host === null ? '*' : host.includes(':') ? `[${host}]` : host;
  return port === 'default' ? name : `${name}:${port ?? '*'}`;
}

function isName(host: string): boolean {
  return host.length <= 253 && NAME.test(host) && isCanonical(host.replace(/^\*\./, ''));
}

/** Whether a URL spells it so too. Others are odd spellings of an address (`0x7f.1`), or none at all (`a.123`). */
function isCanonical(host: string): boolean {
  const url = `http://${host}/`;
  return URL.canParse(url) && new URL(url).hostname === host;
}

function isAddress4(host: string): boolean {
  return /^\d+(\.\d+){3}$/.test(host);
}

function hostOf(text: string): string | null {
  return text === '*' ? null : text;
}

/** Null for `*`; undefined when it is none. */
function parsePort(text: string | undefined): number | null | undefined {
  if (text === '*') return null;
  if (text === undefined || !/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

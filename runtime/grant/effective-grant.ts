import {
  type AskedGrant,
  formatHostPattern,
  type Grant,
  type HostPattern,
  intersectPatterns,
  LIMIT_NAMES,
  type Limits,
  parseHostPattern,
} from '../../guest-sdk/protocol/index.ts';
import type { AllowedHosts, HostPolicy } from './host-policy.ts';
import { isPrivateHost } from './private-host.ts';

/** Something of which less was granted than was asked for. */
export interface Reduction {
  /** Its key in `cloudlet.json`, such as `limits.memoryMib`. */
  readonly what: string;
  readonly asked: string;
  readonly granted: string;
}

/** What a function gets of what it asks, and where that is less. */
export interface EffectiveGrant {
  readonly grant: Grant;
  readonly reduced: readonly Reduction[];
}

/** The intersection of what a function asks and what the host's policy allows. Pure; nothing is granted that was not asked for. */
export function effectiveGrant(asked: AskedGrant, policy: HostPolicy): EffectiveGrant {
  const reduced: Reduction[] = [];
  const reduce = (what: string, wanted: unknown, granted: unknown): void => {
    const [from, to] = [shown(wanted), shown(granted)];
    if (from !== to) reduced.push({ what, asked: from, granted: to });
  };
  const hosts = (
    what: string,
    wanted: readonly string[],
    allowed: AllowedHosts,
    port: 'scheme' | 'named',
  ): string[] => {
    const granted = grantedHosts(wanted, allowed, policy.privateNetworks, port);
    reduce(what, wanted, granted);
    return granted;
  };
  const quota = (what: string, wanted: { bytes: number } | null, mostBytes: number): { bytes: number } | null => {
    const granted = wanted === null || mostBytes === 0 ? null : { bytes: Math.min(wanted.bytes, mostBytes) };
    reduce(what, wanted?.bytes ?? 0, granted?.bytes ?? 0);
    return granted;
  };
  const withSecrets = (table: Grant['environment']): Grant['environment'] =>
    policy.secrets ? table : Object.fromEntries(Object.entries(table).filter(([, value]) => typeof value === 'string'));
  const secrets = policy.secrets ? asked.secrets : [];
  reduce('secrets', asked.secrets, secrets);
  const lookup = asked.sockets.lookup && policy.sockets.lookup;
  reduce('sockets.lookup', asked.sockets.lookup, lookup);
  const listen = asked.sockets.listen && policy.sockets.listen;
  reduce('sockets.listen', asked.sockets.listen, listen);
  const grant: Grant = {
    files: asked.files,
    scratch: scratchOf(asked.scratch, policy.scratchBytes, reduce),
    environment: withSecrets(asked.environment),
    arguments: asked.arguments,
    configuration: withSecrets(asked.configuration),
    secrets,
    http: hosts('http', asked.http, policy.http, 'scheme'),
    sockets: {
      tcp: hosts('sockets.tcp', asked.sockets.tcp, policy.sockets.tcp, 'named'),
      udp: hosts('sockets.udp', asked.sockets.udp, policy.sockets.udp, 'named'),
      lookup,
      listen,
    },
    stores: {
      keyvalue: quota('stores.keyvalue.bytes', asked.stores.keyvalue, policy.stores.keyvalueBytes),
      blobs: quota('stores.blobs.bytes', asked.stores.blobs, policy.stores.blobBytes),
    },
    limits: limitsOf(asked, policy, reduce),
  };
  return { grant, reduced };
}

type Reduce = (what: string, asked: unknown, granted: unknown) => void;

function limitsOf(asked: AskedGrant, policy: HostPolicy, reduce: Reduce): Limits {
  const entries = LIMIT_NAMES.map((name) => {
    const wanted = asked.limits[name] ?? policy.defaults[name];
    const granted = Math.min(wanted, policy.maxima[name]);
    reduce(`limits.${name}`, wanted, granted);
    return [name, granted];
  });
  return Object.fromEntries(entries) as Limits;
}

/** Directories share what there is, in their order. */
function scratchOf(asked: Grant['scratch'], mostBytes: number, reduce: Reduce): Grant['scratch'] {
  let left = mostBytes;
  return asked.map((directory, at) => {
    const bytes = Math.min(directory.bytes, left);
    left -= bytes;
    reduce(`scratch.${at}.bytes`, directory.bytes, bytes);
    return { ...directory, bytes };
  });
}

/** The hosts of a list that a policy allows: what both mean. A name is looked at again when it has an address. */
export function grantedHosts(
  asked: readonly string[],
  allowed: AllowedHosts,
  privateNetworks: readonly string[],
  port: 'scheme' | 'named',
): string[] {
  if (allowed === 'none') return [];
  const read = (text: string): HostPattern[] => {
    const pattern = parseHostPattern(text, { port });
    return typeof pattern === 'string' ? [] : [pattern];
  };
  const limits = allowed === 'any-public' ? [{ host: null, port: null }] : allowed.flatMap(read);
  const granted = new Set<string>();
  for (const wanted of asked.flatMap(read)) {
    for (const limit of limits) {
      const both = intersectPatterns(wanted, limit);
      // A name is looked at again when it has an address; an address that is written down needs not wait for that.
      if (both === null || (both.host !== null && isPrivateHost(both.host, privateNetworks))) continue;
      granted.add(formatHostPattern(both));
    }
  }
  return [...granted];
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type IpBytes, type IpRange, inRange, parseIp, parseRange } from './ip-address.ts';
import type { OwnNetworks } from './own-networks.ts';

/** What an address is for. Only `public` is reached without a word of the host's owner. */
export type AddressKind =
  | 'public'
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'private'
  | 'shared'
  | 'multicast'
  | 'broadcast'
  | 'documentation'
  | 'benchmarking'
  | 'reserved';

/** Says whether a guest may reach an address. */
export type AddressPolicy = (address: IpBytes) => boolean;

/**
 * The policy that lets guests reach public addresses, and those in the ranges (CIDR) that the host's owner names.
 * The services by which clouds hand out credentials are reached only where a range names that one address. `own`: networks that this
 * computer is in, which are not public to it whatever their addresses say.
 */
export function addressPolicy(allowedRanges: readonly string[], own: OwnNetworks = () => []): AddressPolicy {
  const ranges = allowedRanges.map((text) => {
    const range = parseRange(text);
    if (range === null) {
      throw new CloudletError(
        'request-invalid',
        `expected a range of addresses such as "10.0.0.0/8" or "fd00::/8", got ${JSON.stringify(text)}`,
      );
    }
    return range;
  });
  return (address) => allowed(address, ranges, own());
}

/** What an address is for. One that carries an IPv4 address, to be reached through a translator or a tunnel, is what that one is. */
export function kindOf(address: IpBytes): AddressKind {
  if (METADATA.some((range) => inRange(address, range))) return 'metadata';
  const carried = carriedIpv4(address).map(kindOf);
  if (carried.length > 0) return carried.find((kind) => kind !== 'public') ?? 'public';
  const found = (address.length === 4 ? IPV4 : IPV6).find(([range]) => inRange(address, range));
  if (found !== undefined) return found[1];
  return address.length === 4 || inRange(address, GLOBAL_IPV6) ? 'public' : 'reserved';
}

function allowed(address: IpBytes, ranges: readonly IpRange[], own: readonly IpRange[]): boolean {
  const carried = carriedIpv4(address);
  const isOwn = (each: IpBytes) => own.some((range) => inRange(each, range));
  const isPublic = (each: IpBytes) => kindOf(each) === 'public' && !isOwn(each);
  const named = (each: IpBytes) =>
    ranges.some(
      (range) => inRange(each, range) && (kindOf(each) !== 'metadata' || range.bits === range.base.length * 8),
    );
  if ((isPublic(address) && !carried.some(isOwn)) || named(address)) return true;
  return carried.length > 0 && carried.every((each) => isPublic(each) || named(each));
}

/** The IPv4 addresses to which a packet to this IPv6 address may come in the end. */
function carriedIpv4(address: IpBytes): IpBytes[] {
  if (address.length === 4) return [];
  const low = address.subarray(12);
  if (inRange(address, MAPPED) || inRange(address, NAT64)) return [low];
  // ::/96 without the unspecified and the loopback address.
  if (inRange(address, COMPATIBLE)) return low[0] === 0 && low[1] === 0 && low[2] === 0 && low[3]! <= 1 ? [] : [low];
  if (inRange(address, SIX_TO_FOUR)) return [address.subarray(2, 6)];
  if (inRange(address, TEREDO)) return [address.subarray(4, 8), low.map((byte) => byte ^ 0xff)];
  return [];
}

const range = (text: string): IpRange => parseRange(text)!;
const MAPPED = range('::ffff:0:0/96');
const COMPATIBLE = range('::/96');
const NAT64 = range('64:ff9b::/96');
const SIX_TO_FOUR = range('2002::/16');
const TEREDO = range('2001::/32');
const GLOBAL_IPV6 = range('2000::/3');

/** Where clouds tell a machine its credentials, or let it be managed. */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
].map((text) => ({ base: parseIp(text)!, bits: parseIp(text)!.length * 8 }));

type Table = readonly (readonly [IpRange, AddressKind])[];

const IPV4: Table = (
  [
    ['0.0.0.0/8', 'unspecified'],
    ['10.0.0.0/8', 'private'],
    ['100.64.0.0/10', 'shared'],
    ['127.0.0.0/8', 'loopback'],
    ['169.254.0.0/16', 'link-local'],
    ['172.16.0.0/12', 'private'],
    ['192.0.0.0/24', 'reserved'],
    ['192.0.2.0/24', 'documentation'],
    ['192.88.99.0/24', 'reserved'],
    ['192.168.0.0/16', 'private'],
    ['198.18.0.0/15', 'benchmarking'],
    ['198.51.100.0/24', 'documentation'],
    ['203.0.113.0/24', 'documentation'],
    ['224.0.0.0/4', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.0/4', 'reserved'],
  ] as const
).map(([text, kind]) => [range(text), kind]);

const IPV6: Table = (
  [
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    // A translator's own prefix for one site: what it carries lies where the site put it.
    ['64:ff9b:1::/48', 'private'],
    ['100::/64', 'reserved'],
    ['2001:2::/48', 'benchmarking'],
    ['2001:db8::/32', 'documentation'],
    ['2001::/23', 'reserved'],
    ['3fff::/20', 'documentation'],
    ['fc00::/7', 'private'],
    ['fe80::/10', 'link-local'],
    ['fec0::/10', 'private'],
    ['ff00::/8', 'multicast'],
  ] as const
).map(([text, kind]) => [range(text), kind]);

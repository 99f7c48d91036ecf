import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type IpRange, parseRange } from './ip-address.ts';

/** Gives the networks that this computer is in now. */
export type OwnNetworks = () => readonly IpRange[];

type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'cidr'>[] | undefined>>;

/** How long an answer of the system holds, milliseconds: a computer changes its networks now and then, and each connection asks. */
const FRESH_MS = 5_000;

/** Shorter prefixes are no networks with neighbours, but tunnels that take everything: of those the own address counts alone. */
const SHORTEST = { 4: 8, 16: 32 } as const;

/**
 * The networks of this computer's interfaces. What is in them is near: this computer itself, and neighbours that no router's
 * filter stands before. Public addresses are common there, of every home with IPv6.
 */
export function systemNetworks(
  interfaces: () => Interfaces = networkInterfaces,
  nowMs: () => number = () => performance.now(),
): OwnNetworks {
  let known: readonly IpRange[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (nowMs() - lookedAt < FRESH_MS) return known;
    known = networksOf(interfaces());
    lookedAt = nowMs();
    return known;
  };
}

function networksOf(interfaces: Interfaces): IpRange[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ address, cidr }) => {
      const range = parseRange(cidr ?? address);
      if (range === null) return [];
      const whole = range.base.length * 8;
      return range.bits < SHORTEST[range.base.length as 4 | 16] ? [{ ...range, bits: whole }] : [range];
    });
}

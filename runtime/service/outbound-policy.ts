import type { HostPolicy } from '../grant/index.ts';
import { grantedHosts } from '../grant/index.ts';
import { type Destination, hostPatterns, type Scheme } from '../outside/network/host-pattern.ts';

/** Says whether programs in a VM may reach a host and port. */
export type MayReach = (destination: Destination, scheme: Scheme) => boolean;

/** The hosts that a service asks for and the host's policy allows, as functions are granted theirs. */
export function outboundPolicy(
  asked: readonly string[],
  policy: Pick<HostPolicy, 'http' | 'privateNetworks'>,
): MayReach {
  return hostPatterns(grantedHosts(asked, policy.http, policy.privateNetworks, 'scheme'));
}

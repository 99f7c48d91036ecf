import type { LocalNetwork } from '../../guest-sdk/client/mdns.ts';
import { isLoopback } from '../config.ts';

/**
 * The networks that hear of a host bound to an address: those from which it can be reached, and no other. A host on loopback is
 * found by programs of its own machine. A machine without any network tells itself.
 */
export function networksOf(bind: string, networks: readonly LocalNetwork[]): LocalNetwork[] {
  if (bind === '0.0.0.0' || bind === '::') {
    const outward = networks.filter(({ address }) => !isLoopback(address));
    return outward.length > 0 ? outward : [...networks];
  }
  // Any address of 127.0.0.0/8 lives on the loopback interface, whose own address is another one.
  const mapped = bind.replace(/^::ffff:/i, '');
  if (isLoopback(mapped))
    return mapped === '::1'
      ? []
      : networks.filter(({ address }) => isLoopback(address)).map((network) => ({ ...network, address: mapped }));
  return networks.filter(({ address }) => address === mapped);
}

import { type AddressKind, kindOf } from '../../outside/network/address-policy.ts';
import { systemResolver } from '../../outside/network/dialer.ts';
import { formatIp, parseIp } from '../../outside/network/ip-address.ts';
import type { NetworkWorld } from '../../outside/network/network.ts';
import { openOutboundProxy } from '../../service/index.ts';
import type { Vm } from '../../vm/vm.ts';

/** Where a mirror may be, beside public addresses: whoever built the base VM named it. Never this computer, and never what hands out credentials. */
const ALLOWED: readonly AddressKind[] = ['public', 'private', 'shared', 'documentation', 'benchmarking'];

/** What opens the way to mirrors. */
export interface MirrorsOptions {
  readonly vm: { readonly relay: Pick<Vm['relay'], 'onOutgoing'> };
  /** Told what was refused, for the log. */
  readonly say: (line: string) => void;
  readonly network?: NetworkWorld | undefined;
  readonly signal: AbortSignal;
}

/** Lets programs of a VM reach these hosts by their proxy, and nothing else, until it is closed. */
export async function openMirrors(hosts: readonly string[], options: MirrorsOptions): Promise<{ close(): void }> {
  const { vm, say, network = {}, signal } = options;
  const ranges = await Promise.all(hosts.map((host) => addressesOf(host, network, signal)));
  const proxy = openOutboundProxy({
    hosts,
    policy: { http: 'any-public', privateNetworks: ranges.flat() },
    world: network,
    report: (outcome, sentence) => (outcome === 'allowed' ? undefined : say(`${sentence}\n`)),
  });
  vm.relay.onOutgoing(proxy.accept);
  return {
    close: () => {
      vm.relay.onOutgoing(null);
      proxy.close();
    },
  };
}

/** The addresses of a host (`mirror.example.org`, `10.0.0.1:8080`) that may be a mirror's, each as a range of its own. */
async function addressesOf(
  host: string,
  { resolver = systemResolver }: NetworkWorld,
  signal: AbortSignal,
): Promise<string[]> {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  // Without an address it is found out when the mirror is asked, which then says so.
  const found = parseIp(name) === null ? await resolver(name, signal).catch(() => []) : [name];
  signal.throwIfAborted();
  return found.flatMap((text) => {
    const address = parseIp(text);
    if (address === null || !ALLOWED.includes(kindOf(address))) return [];
    return [`${formatIp(address)}/${address.length * 8}`];
  });
}

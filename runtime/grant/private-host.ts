import { BlockList, isIP } from 'node:net';

/** Addresses of IPv4 and IPv6 that are not on the public Internet: special-purpose registries of the IANA. */
const NOT_PUBLIC: readonly string[] = [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
  ],
  ...[
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  ...[
    '::/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    'fc00::/7',
    'fe80::/10',
    'ff00::/8',
  ],
];

const notPublic = blockList(NOT_PUBLIC);

/**
 * Whether a host that is written down in a grant, a name or an address, is known not to be public and in none of the networks
 * that are allowed. Of other names only their addresses tell, at each connection.
 */
export function isPrivateHost(host: string, allowedNetworks: readonly string[]): boolean {
  const allowed = blockList(allowedNetworks);
  if (host === 'localhost' || host.endsWith('.localhost')) return !allowed.check('127.0.0.1');
  const version = isIP(host);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return notPublic.check(host, family) && !allowed.check(host, family);
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

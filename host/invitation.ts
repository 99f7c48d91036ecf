import { hostname, networkInterfaces } from 'node:os';
import { renderUnicodeCompact } from 'uqr';
import { isLoopback } from './config.ts';

/** How people and devices get in: addresses to open, and the link that lets its holder in as the owner. */
export interface Invitation {
  /** Addresses without any secret, the best first. */
  readonly addresses: readonly string[];
  /** The first address with the owner's token in its fragment, which browsers never send: the page exchanges it for a session. */
  readonly link: string;
  /** Whether other computers can reach the addresses. */
  readonly network: boolean;
}

/** Works out the addresses of a host bound to `bind`. */
export function invite(
  bind: string,
  port: number,
  ownerToken: string,
  machineAddresses: readonly string[] = ownAddresses(),
): Invitation {
  const network = !isLoopback(bind);
  const addresses = hostsOf(bind, machineAddresses).map((host) => `http://${host}:${port}`);
  return { addresses, link: `${addresses[0]}/#token=${ownerToken}`, network };
}

/**
 * What is shown at the start. The link holds a secret, so it is shown to a person at a terminal only: what is written to a pipe
 * ends in log files. There, `tokenFile` says where the token is.
 */
export function invitationText(invitation: Invitation, terminal: boolean, tokenHint: string): string {
  const { addresses, link, network } = invitation;
  if (!terminal) return `Cloudlet serves at ${addresses.join(' and ')} (${tokenHint})\n`;
  const others = addresses.slice(1).map((address) => `  also at ${address}\n`);
  if (!network) return `\n  Cloudlet serves. Open ${link}\n${others.join('')}\n`;
  return `\n${renderUnicodeCompact(link)}\n\n  Cloudlet serves the network. Scan the code, or open ${link}\n${others.join('')}  Who has this link may publish and run functions.\n\n`;
}

function hostsOf(bind: string, machineAddresses: readonly string[]): string[] {
  if (isLoopback(bind)) return [bind === '127.0.0.1' ? 'localhost' : urlHost(bind)];
  if (bind !== '0.0.0.0' && bind !== '::') return [urlHost(bind)];
  const reachable = machineAddresses.filter((address) => !isLoopback(address) && !address.startsWith('fe80:'));
  // IPv4 first: it is what a phone on a home network surely has, and it makes a smaller code to scan.
  const sorted = reachable.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
  return sorted.length > 0 ? sorted.map(urlHost) : [hostname()];
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
}

function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

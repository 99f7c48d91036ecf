import { networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import { type CloudletClient, createClient } from '../../../guest-sdk/client/index.ts';
import { zstdCompression } from '../../../guest-sdk/client/zstd-compression.ts';
import { clientConfig } from '../../config.ts';
import { readOwnerToken } from '../../trust/owner-token.ts';
import { KeptComponents } from '../deploy/kept-components.ts';
import { typed } from '../usage-error.ts';
import { nodeTransport } from './node-transport.ts';

/** Flags of every verb that talks to a host. */
export interface HostFlags {
  readonly to?: string;
  readonly token?: string;
  readonly data?: string;
}

/** Adds the flags that say which host, and as whom. */
export function withHostFlags(command: Command): Command {
  return command
    .option('--to <url>', 'the cloudlet, or the link that it printed (default CLOUDLET_URL, or http://localhost:8080)')
    .option('--token <token>', "the owner's token, for a cloudlet on another machine (default CLOUDLET_TOKEN)")
    .option('--data <directory>', "data directory of a cloudlet on this machine, where the owner's token is read");
}

/** A client for the host that the flags, or else the environment, name. */
export async function clientFor(flags: HostFlags): Promise<CloudletClient> {
  return (await accessTo(flags)).client;
}

/** The same, with the token that it shows. */
export async function accessTo(
  flags: HostFlags,
): Promise<{ readonly client: CloudletClient; readonly token: string | undefined }> {
  const config = typed(() => clientConfig({ data: flags.data }));
  const url = flags.to ?? config.url;
  const token = flags.token ?? tokenInLink(url) ?? config.token ?? (await ownToken(url, config.dataDir));
  return {
    client: typed(() => createClient({ url, token, transport: nodeTransport, compression: zstdCompression })),
    token,
  };
}

/** What was published from this machine before. */
export function keptFor(flags: HostFlags): KeptComponents {
  return new KeptComponents(typed(() => clientConfig({ data: flags.data })).cacheDir);
}

/** The token in the fragment of the link that a starting host prints. */
export function tokenInLink(url: string): string | undefined {
  const fragment = URL.parse(url)?.hash.slice(1) ?? '';
  return new URLSearchParams(fragment).get('token') ?? undefined;
}

/** The owner's token is for the machine that it was read on: it is not sent anywhere else. */
async function ownToken(url: string, dataDir: string): Promise<string | undefined> {
  const hostname = URL.parse(url)?.hostname;
  if (hostname === undefined || !isThisMachine(hostname)) return undefined;
  return (await readOwnerToken(dataDir)) ?? undefined;
}

/** Whether a host of a URL is this machine: a loopback name or address, or an address of one of its networks. */
export function isThisMachine(hostname: string, addresses: readonly string[] = machineAddresses()): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host) || addresses.includes(host);
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

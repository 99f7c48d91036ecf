import { OutsideNetwork } from '../../../../runtime/agent/outside/network.ts';
import { type NetworkWorld, openNetwork } from '../../../../runtime/outside/network/network.ts';
import type { SocketGrant } from '../../../../runtime/outside/network/sockets/socket-gate.ts';
import { createWasi, type NetworkBackend } from '../../../../runtime/wasi/index.ts';
import type { Pollable } from '../../../../runtime/wasi/io/pollable.ts';
import type { AddressFamily, IpSocketAddress } from '../../../../runtime/wasi/sockets/address.ts';
import type { ResolveAddressStream } from '../../../../runtime/wasi/sockets/name-lookup.ts';
import type { TcpSocket } from '../../../../runtime/wasi/sockets/tcp-socket.ts';
import type { UdpSocket } from '../../../../runtime/wasi/sockets/udp-socket.ts';
import { directOutside } from '../../../support/piped-outside.ts';
import { backend } from '../backend.ts';

/** What a guest of this lab may do, unless a test says otherwise. */
export interface LabGrant extends Partial<SocketGrant> {
  readonly allowedRanges?: readonly string[];
  readonly connections?: number;
}

/** A guest with real sockets on loopback: WASI, the agent's half, the host's half; only the channel between them is short. */
export function openSockets(grant: LabGrant = {}, world: NetworkWorld = {}) {
  const { allowedRanges = ['127.0.0.0/8', '::1'], connections = 8, ...sockets } = grant;
  const network = openNetwork(
    {
      allowedHosts: [],
      allowedRanges,
      connections,
      sockets: { tcp: ['*:*'], udp: ['*:*'], lookup: true, listen: true, ...sockets },
    },
    world,
  );
  const outside = directOutside(network.services);
  return { ...guestOf(new OutsideNetwork(outside)), network, outside };
}

/** The socket interfaces of a guest as the glue sees them. */
export function guestOf(network: NetworkBackend | null) {
  const wasi = createWasi(backend({ network }));
  const call = <Result>(interfaceName: string, name: string) =>
    wasi.imports[`wasi:sockets/${interfaceName}`]![name] as (...args: unknown[]) => Result;
  return {
    wasi,
    createTcpSocket: call<TcpSocket>('tcp-create-socket', 'createTcpSocket') as (family: AddressFamily) => TcpSocket,
    createUdpSocket: call<UdpSocket>('udp-create-socket', 'createUdpSocket') as (family: AddressFamily) => UdpSocket,
    lookUp: (name: string) => call<ResolveAddressStream>('ip-name-lookup', 'resolveAddresses')(null, name),
  };
}

/** The WIT value of 127.0.0.1 or another address of IPv4. */
export function v4(port: number, ...address: readonly [number, number, number, number] | []): IpSocketAddress {
  return { tag: 'ipv4', val: { port, address: address.length === 4 ? address : [127, 0, 0, 1] } };
}

/** The WIT value of an address of IPv6, ::1 unless said otherwise. */
export function v6(port: number, address: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 1]): IpSocketAddress {
  return { tag: 'ipv6', val: { port, flowInfo: 0, scopeId: 0, address: address as never } };
}

/** Waits as a guest does, and finishes what it began. */
export async function finished<Result>(of: { subscribe(): Pollable }, finish: () => Result): Promise<Result> {
  const pollable = of.subscribe();
  await pollable.block();
  pollable[Symbol.dispose]();
  return finish();
}

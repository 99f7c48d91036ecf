import type { SocketAddress, SocketErrorCode } from './network-backend.ts';

/** `wasi:sockets/network#ip-address-family`. */
export type AddressFamily = 'ipv4' | 'ipv6';

type Ipv4 = readonly [number, number, number, number];
type Ipv6 = readonly [number, number, number, number, number, number, number, number];

/** `wasi:sockets/network#ip-address`. */
export type IpAddress = { readonly tag: 'ipv4'; readonly val: Ipv4 } | { readonly tag: 'ipv6'; readonly val: Ipv6 };

/** `wasi:sockets/network#ip-socket-address`. */
export type IpSocketAddress =
  | { readonly tag: 'ipv4'; readonly val: { readonly port: number; readonly address: Ipv4 } }
  | {
      readonly tag: 'ipv6';
      readonly val: {
        readonly port: number;
        readonly flowInfo: number;
        readonly address: Ipv6;
        readonly scopeId: number;
      };
    };

/** The bytes of a WIT address. */
export function socketAddressOf(given: IpSocketAddress): SocketAddress {
  const { port, address } = given.val;
  const bytes = given.tag === 'ipv4' ? [...address] : [...address].flatMap((word) => [word >> 8, word & 0xff]);
  return { address: Uint8Array.from(bytes), port };
}

/** The WIT value of an address. */
export function witAddressOf(address: Uint8Array): IpAddress {
  if (address.length === 4) return { tag: 'ipv4', val: [...address] as unknown as Ipv4 };
  const words = Array.from({ length: 8 }, (_, at) => (address[2 * at]! << 8) | address[2 * at + 1]!);
  return { tag: 'ipv6', val: words as unknown as Ipv6 };
}

/** The WIT value of an address and port. */
export function witSocketAddressOf({ address, port }: SocketAddress): IpSocketAddress {
  const ip = witAddressOf(address);
  if (ip.tag === 'ipv4') return { tag: 'ipv4', val: { port, address: ip.val } };
  return { tag: 'ipv6', val: { port, flowInfo: 0, address: ip.val, scopeId: 0 } };
}

/** An address that a socket of this family may be bound to. Throws `invalid-argument`. */
export function localAddress(given: IpSocketAddress, family: AddressFamily): SocketAddress {
  const local = socketAddressOf(given);
  if (given.tag !== family || !isUnicast(local.address) || isMapped(local.address)) throw INVALID;
  return local;
}

/** An address that a socket of this family may reach. Throws `invalid-argument`. */
export function remoteAddress(given: IpSocketAddress, family: AddressFamily): SocketAddress {
  const remote = localAddress(given, family);
  if (remote.port === 0 || remote.address.every((byte) => byte === 0)) throw INVALID;
  return remote;
}

/** Whether two addresses and ports are the same. */
export function sameAddress(a: SocketAddress, b: SocketAddress): boolean {
  return (
    a.port === b.port && a.address.length === b.address.length && a.address.every((byte, at) => byte === b.address[at])
  );
}

const INVALID: SocketErrorCode = 'invalid-argument';

function isUnicast(address: Uint8Array): boolean {
  const first = address[0]!;
  if (address.length === 16) return first !== 0xff;
  return !(first >= 224 && first <= 239) && !address.every((byte) => byte === 255);
}

/** Sockets of IPv6 are for IPv6 alone. */
function isMapped(address: Uint8Array): boolean {
  return address.length === 16 && address.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff));
}

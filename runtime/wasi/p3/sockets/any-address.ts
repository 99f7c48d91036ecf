import type { AddressFamily } from '../../sockets/address.ts';
import type { SocketAddress } from '../../sockets/network-backend.ts';

/** All addresses of a family, at a port that is free. */
export function anyAddress(family: AddressFamily): SocketAddress {
  return { address: new Uint8Array(family === 'ipv4' ? 4 : 16), port: 0 };
}

/** Where a socket is bound that reaches for `remote` without having been bound: what is on loopback is reached from there. */
export function addressTowards(remote: SocketAddress): SocketAddress {
  const { address } = remote;
  const isLoopback =
    address.length === 4 ? address[0] === 127 : address.every((byte, at) => byte === (at === 15 ? 1 : 0));
  if (!isLoopback) return { address: new Uint8Array(address.length), port: 0 };
  return { address: address.length === 4 ? Uint8Array.of(127, 0, 0, 1) : address.slice(), port: 0 };
}

import type { ContextSeat } from '../../context.ts';
import { type AddressFamily, type IpAddress, witAddressOf } from '../../sockets/address.ts';
import { MAX_NAME } from '../../sockets/name-lookup.ts';
import { outcomeOf } from './outcome.ts';
import { TcpSocket3 } from './tcp-socket.ts';
import { UdpSocket3 } from './udp-socket.ts';

/** The interfaces of `wasi:sockets` in WASI 0.3. A guest without a network gets `access-denied` for every call. */
export function socketInterfaces3(seat: ContextSeat) {
  return {
    'wasi:sockets/types@0.3': {
      TcpSocket: made(TcpSocket3.prototype, (family) => TcpSocket3.create(seat.context, family)),
      UdpSocket: made(UdpSocket3.prototype, (family) => UdpSocket3.create(seat.context, family)),
    },
    'wasi:sockets/ip-name-lookup@0.3': {
      async resolveAddresses(name: string): Promise<IpAddress[]> {
        const { context } = seat;
        const { network } = context.backend;
        if (network === null) throw { tag: 'access-denied' };
        if (name === '' || name.length > MAX_NAME) throw { tag: 'invalid-argument' };
        return (await outcomeOf(context, network.resolve(name))).map(witAddressOf);
      },
    },
  };
}

/** A class of resources for one instance, which are made by its static function; its prototype is shared, as by `boundConstructor`. */
function made<Socket extends object>(prototype: Socket, create: (family: AddressFamily) => Socket) {
  function Class(): never {
    throw new TypeError('expected that sockets are made by create');
  }
  Class.prototype = prototype;
  return Object.assign(Class, { create });
}

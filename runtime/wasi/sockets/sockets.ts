import type { Context, ContextSeat } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { AddressFamily } from './address.ts';
import { IncomingDatagramStream, OutgoingDatagramStream } from './datagram-streams.ts';
import { ResolveAddressStream, resolveAddresses } from './name-lookup.ts';
import { TcpSocket } from './tcp-socket.ts';
import { UdpSocket } from './udp-socket.ts';

/** `wasi:sockets/network`'s resource `network`: stands for whatever network the invocation has. */
class Network {
  #context: Context | null;

  constructor(context: Context) {
    context.retain();
    this.#context = context;
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }
}

/** The interfaces of `wasi:sockets`. A guest without a network makes no socket: toolchains import them all the same. */
export function socketInterfaces(seat: ContextSeat) {
  return {
    'wasi:sockets/instance-network': { instanceNetwork: () => new Network(seat.context) },
    'wasi:sockets/network': { Network, networkErrorCode: () => undefined },
    'wasi:sockets/ip-name-lookup': {
      resolveAddresses: (_network: Network, name: string) => resolveAddresses(seat, name),
      ResolveAddressStream,
    },
    'wasi:sockets/tcp-create-socket': {
      createTcpSocket: (family: AddressFamily) => TcpSocket.create(seat.context, family),
    },
    'wasi:sockets/tcp': { TcpSocket },
    'wasi:sockets/udp-create-socket': {
      createUdpSocket: (family: AddressFamily) => UdpSocket.create(seat.context, family),
    },
    'wasi:sockets/udp': { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
  };
}

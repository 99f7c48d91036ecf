import type { Context, ContextSeat } from '../context.ts';
import { DISPOSE } from '../dispose.ts';

/** `wasi:sockets/network`'s resource `network`: names no network at all. */
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

/** Stands for the resources of `wasi:sockets` that cannot come to be, because each call that would make one is denied. */
class Unreachable {
  [DISPOSE](): void {}
}

function deny(): never {
  throw 'access-denied';
}

/** The interfaces of `wasi:sockets`: they exist because toolchains import them, and deny every call with `access-denied`. */
export function socketInterfaces(seat: ContextSeat) {
  return {
    'wasi:sockets/instance-network': { instanceNetwork: () => new Network(seat.context) },
    'wasi:sockets/network': { Network, networkErrorCode: () => undefined },
    'wasi:sockets/ip-name-lookup': { resolveAddresses: deny, ResolveAddressStream: Unreachable },
    'wasi:sockets/tcp-create-socket': { createTcpSocket: deny },
    'wasi:sockets/tcp': { TcpSocket: Unreachable },
    'wasi:sockets/udp-create-socket': { createUdpSocket: deny },
    'wasi:sockets/udp': {
      UdpSocket: Unreachable,
      IncomingDatagramStream: Unreachable,
      OutgoingDatagramStream: Unreachable,
    },
  };
}

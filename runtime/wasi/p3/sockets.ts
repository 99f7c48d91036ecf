import { DISPOSE } from '../dispose.ts';

/** Stands for the sockets that cannot come to be, because each call that would make one is denied. */
class Unreachable {
  static create(): never {
    throw DENIED;
  }

  [DISPOSE](): void {}
}

const DENIED = { tag: 'access-denied' } as const;

/** The interfaces of `wasi:sockets` in WASI 0.3: a guest without a network gets `access-denied` for every call. */
export function socketInterfaces3() {
  return {
    'wasi:sockets/types@0.3': { TcpSocket: Unreachable, UdpSocket: Unreachable },
    'wasi:sockets/ip-name-lookup@0.3': {
      async resolveAddresses(): Promise<never> {
        throw DENIED;
      },
    },
  };
}

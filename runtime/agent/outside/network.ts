import type {
  NameLookup,
  SocketBind,
  TcpAccept,
  TcpBound,
  TcpConnect,
  TcpConnected,
  TcpListen,
} from '../../outside/network/messages.ts';
import {
  type NetworkBackend,
  type Pending,
  type SocketErrorCode,
  SocketFailure,
  type TcpBinding,
  type TcpConnection,
  type UdpPort,
} from '../../wasi/index.ts';
import { PassingSink } from '../passing-sink.ts';
import { type Outside, type OutsideCall, OutsideError } from './outside.ts';
import { OutsideUdpPort } from './udp-port.ts';

/** The sockets of one invocation's guest: its host opens them, as its function was granted. `passed` is told how many bytes of the guest went on their way. */
export function outsideNetwork(outside: Outside, passed: (bytes: number) => void = () => {}): NetworkBackend {
  const connecting = (call: OutsideCall): Pending<TcpConnection> =>
    pending(call, (answer) => connectionOf(call, answer as TcpConnected, passed));
  return {
    resolve(name) {
      passed(name.length);
      return pending(outside.ask('dns.resolve', { name } satisfies NameLookup), (answer) => answer as Uint8Array[]);
    },
    connectTcp: (remote) => connecting(outside.ask('tcp.connect', { remote, binding: null } satisfies TcpConnect)),
    bindTcp(local) {
      const bind = outside.ask('tcp.bind', { local } satisfies SocketBind);
      return pending(bind, (answer): TcpBinding => {
        const bound = answer as TcpBound;
        const { binding } = bound;
        return {
          local: bound.local,
          connect: (remote) => connecting(outside.ask('tcp.connect', { remote, binding } satisfies TcpConnect)),
          listen: (backlog) =>
            pending(outside.ask('tcp.listen', { binding, backlog } satisfies TcpListen), () => undefined),
          accept: () => connecting(outside.ask('tcp.accept', { binding } satisfies TcpAccept)),
          close: () => bind.forget(),
        };
      });
    },
    bindUdp(local) {
      const call = outside.ask('udp.bind', { local } satisfies SocketBind);
      return pending(call, (answer): UdpPort => new OutsideUdpPort(call, (answer as SocketBind).local, passed));
    },
  };
}

function pending<Result>(call: OutsideCall, of: (answer: unknown) => Result): Pending<Result> {
  return {
    result: call.answer.then(of, (error: unknown) => {
      throw socketFailureOf(error);
    }),
    cancel: () => call.forget(),
  };
}

function connectionOf(
  call: OutsideCall,
  { local, remote }: TcpConnected,
  passed: (bytes: number) => void,
): TcpConnection {
  const sink = new PassingSink(call.sink, passed);
  return {
    local,
    remote,
    source: call.source,
    sink,
    close() {
      // Not forgotten: what was written last is still to be sent. The host ends the connection when the peer does, or is silent.
      sink.close();
      call.source.close();
    },
  };
}

const CODES: readonly SocketErrorCode[] = [
  'access-denied',
  'not-supported',
  'invalid-argument',
  'timeout',
  'invalid-state',
  'new-socket-limit',
  'address-not-bindable',
  'address-in-use',
  'remote-unreachable',
  'connection-refused',
  'connection-reset',
  'connection-aborted',
  'name-unresolvable',
  'temporary-resolver-failure',
  'permanent-resolver-failure',
];

/** What the host's refusal means in `wasi:sockets`. */
export function socketFailureOf(error: unknown): SocketFailure {
  if (!(error instanceof OutsideError)) return new SocketFailure('unknown', String(error));
  const { code, message } = error;
  const known = CODES.find((each) => each === code);
  if (known !== undefined) return new SocketFailure(known, message);
  // The function was granted no socket at all; it has too much under way; the invocation has ended.
  const own = { refused: 'access-denied', 'too-many': 'new-socket-limit', forgotten: 'connection-aborted' } as const;
  return new SocketFailure(Object.hasOwn(own, code) ? own[code as keyof typeof own] : 'unknown', message);
}

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
  type SocketAddress,
  type SocketErrorCode,
  SocketFailure,
  type TcpBinding,
  type TcpConnection,
  type UdpPort,
} from '../../wasi/index.ts';
import { PassingSink } from '../passing-sink.ts';
import { type Outside, type OutsideCall, OutsideError } from './outside.ts';
import { OutsideUdpPort } from './udp-port.ts';

/** The sockets of one invocation's guest: its host opens them, as its function was granted. */
export class OutsideNetwork implements NetworkBackend {
  readonly #outside: Outside;
  readonly #passed: (bytes: number) => void;

  /** `passed` is told how many bytes of the guest went on their way. */
  constructor(outside: Outside, passed: (bytes: number) => void = () => {}) {
    this.#outside = outside;
    this.#passed = passed;
  }

  resolve(name: string): Pending<readonly Uint8Array[]> {
    this.#passed(name.length);
    const call = this.#outside.ask('dns.resolve', { name } satisfies NameLookup);
    return pending(call, (answer) => answer as Uint8Array[]);
  }

  connectTcp(remote: SocketAddress): Pending<TcpConnection> {
    return this.#connection(this.#outside.ask('tcp.connect', { remote, binding: null } satisfies TcpConnect));
  }

  bindTcp(local: SocketAddress): Pending<TcpBinding> {
    const bind = this.#outside.ask('tcp.bind', { local } satisfies SocketBind);
    return pending(bind, (answer): TcpBinding => this.#binding(bind, answer as TcpBound));
  }

  bindUdp(local: SocketAddress): Pending<UdpPort> {
    const call = this.#outside.ask('udp.bind', { local } satisfies SocketBind);
    return pending(call, (answer) => new OutsideUdpPort(call, (answer as SocketBind).local, this.#passed));
  }

  #binding(bind: OutsideCall, { local, binding }: TcpBound): TcpBinding {
    const outside = this.#outside;
    return {
      local,
      connect: (remote) => this.#connection(outside.ask('tcp.connect', { remote, binding } satisfies TcpConnect)),
      listen: (backlog) =>
        pending(outside.ask('tcp.listen', { binding, backlog } satisfies TcpListen), () => undefined),
      accept: () => this.#connection(outside.ask('tcp.accept', { binding } satisfies TcpAccept)),
      close: () => bind.forget(),
    };
  }

  #connection(call: OutsideCall): Pending<TcpConnection> {
    return pending(call, (answer) => connectionOf(call, answer as TcpConnected, this.#passed));
  }
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

import type { ByteSink, ByteSource } from '../backend.ts';

/** `wasi:sockets/network#error-code`. */
export type SocketErrorCode =
  | 'unknown'
  | 'access-denied'
  | 'not-supported'
  | 'invalid-argument'
  | 'out-of-memory'
  | 'timeout'
  | 'concurrency-conflict'
  | 'not-in-progress'
  | 'would-block'
  | 'invalid-state'
  | 'new-socket-limit'
  | 'address-not-bindable'
  | 'address-in-use'
  | 'remote-unreachable'
  | 'connection-refused'
  | 'connection-reset'
  | 'connection-aborted'
  | 'datagram-too-large'
  | 'name-unresolvable'
  | 'temporary-resolver-failure'
  | 'permanent-resolver-failure';

/** Why nothing came of what a guest wanted of the network. */
export class SocketFailure extends Error {
  override readonly name = 'SocketFailure';
  readonly code: SocketErrorCode;

  constructor(code: SocketErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}

/** One end of a connection: 4 bytes of IPv4 or 16 of IPv6, and a port. */
export interface SocketAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Something that takes its time. */
export interface Pending<Result> {
  /** Rejects with `SocketFailure`. */
  readonly result: Promise<Result>;
  /** It is not wanted any more; what it gives all the same is closed. May be called again. */
  cancel(): void;
}

/** A connection of TCP. `sink.close()` tells the peer that no more comes, `source.close()` that nothing more is read. */
export interface TcpConnection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly source: ByteSource;
  readonly sink: ByteSink;
  /** Ends what is left of it. May be called again. */
  close(): void;
}

/** An address and port of TCP that one guest has for itself. */
export interface TcpBinding {
  readonly local: SocketAddress;
  /** Connects from here; the binding goes over into the connection. */
  connect(remote: SocketAddress): Pending<TcpConnection>;
  /** Lets peers connect; they may before the first `accept`. */
  listen(backlog: number): Pending<void>;
  accept(): Pending<TcpConnection>;
  close(): void;
}

/** A datagram, and whom it comes from or goes to. */
export interface Datagram {
  readonly data: Uint8Array;
  readonly remote: SocketAddress;
}

/** An address and port of UDP that one guest has for itself. What may not be sent, or comes from where nothing may come, is lost, as datagrams are. */
export interface UdpPort {
  readonly local: SocketAddress;
  /** The next datagram, null when there is none yet. Throws `SocketFailure` when none can come any more. */
  receive(): Datagram | null;
  readonly receivable: boolean;
  /** Resolves when `receivable` may have become true; never rejects. */
  readonly arrival: { wait(): Promise<void> };
  /** Whether a datagram of any size may be sent now. Throws `SocketFailure` when none can any more. */
  readonly sendable: boolean;
  send(datagram: Datagram): void;
  /** Resolves when `sendable` may have become true; never rejects. */
  readonly room: { wait(): Promise<void> };
  close(): void;
}

/** The sockets of one invocation, as far as its function was granted them. */
export interface NetworkBackend {
  /** The addresses of a name. */
  resolve(name: string): Pending<readonly Uint8Array[]>;
  connectTcp(remote: SocketAddress): Pending<TcpConnection>;
  bindTcp(local: SocketAddress): Pending<TcpBinding>;
  bindUdp(local: SocketAddress): Pending<UdpPort>;
}

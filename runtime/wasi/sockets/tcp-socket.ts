import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { InputStream } from '../io/input-stream.ts';
import type { OutputStream } from '../io/output-stream.ts';
import { ALWAYS_READY, Pollable } from '../io/pollable.ts';
import {
  type AddressFamily,
  type IpSocketAddress,
  localAddress,
  remoteAddress,
  witSocketAddressOf,
} from './address.ts';
import { CurrentReadiness } from './current-readiness.ts';
import type { NetworkBackend, TcpBinding, TcpConnection } from './network-backend.ts';
import { Operation } from './operation.ts';
import { SocketOptions } from './socket-options.ts';
import { TcpStreams } from './tcp-streams.ts';

type State =
  | { readonly kind: 'unbound' | 'closed' }
  | { readonly kind: 'binding'; readonly operation: Operation<TcpBinding> }
  | { readonly kind: 'bound'; readonly binding: TcpBinding }
  | { readonly kind: 'connecting'; readonly operation: Operation<TcpConnection> }
  | { readonly kind: 'connected'; readonly streams: TcpStreams }
  | { readonly kind: 'starting'; readonly operation: Operation<void>; readonly binding: TcpBinding }
  | { readonly kind: 'listening'; readonly operation: Operation<TcpConnection>; readonly binding: TcpBinding };

/** Connections that wait for a guest to accept them, unless it says otherwise. */
const BACKLOG = 128;

/** `wasi:sockets/tcp`'s resource `tcp-socket`. */
export class TcpSocket {
  readonly #context: Context;
  readonly #network: NetworkBackend;
  readonly #family: AddressFamily;
  readonly #options = new SocketOptions();
  readonly #forget: () => void;
  #state: State;
  #backlog = BACKLOG;
  #dropped = false;

  private constructor(context: Context, network: NetworkBackend, family: AddressFamily, state: State) {
    context.retain();
    this.#context = context;
    this.#network = network;
    this.#family = family;
    this.#state = state;
    this.#forget = context.atClose(() => this.#end());
  }

  /** `wasi:sockets/tcp-create-socket#create-tcp-socket`. Denied where there is no network. */
  static create(context: Context, family: AddressFamily): TcpSocket {
    const { network } = context.backend;
    if (network === null) throw 'access-denied';
    return new TcpSocket(context, network, family, { kind: 'unbound' });
  }

  startBind(_network: unknown, local: IpSocketAddress): void {
    if (this.#state.kind === 'binding') throw 'concurrency-conflict';
    if (this.#state.kind !== 'unbound') throw 'invalid-state';
    const address = localAddress(local, this.#family);
    const operation = new Operation(this.#network.bindTcp(address), (binding) => binding.close());
    this.#state = { kind: 'binding', operation };
  }

  finishBind(): void {
    if (this.#state.kind !== 'binding') throw 'not-in-progress';
    const binding = this.#finished(this.#state.operation, { kind: 'unbound' });
    this.#state = { kind: 'bound', binding };
  }

  startConnect(_network: unknown, remote: IpSocketAddress): void {
    const state = this.#state;
    if (state.kind === 'binding' || state.kind === 'connecting' || state.kind === 'starting')
      throw 'concurrency-conflict';
    if (state.kind !== 'unbound' && state.kind !== 'bound') throw 'invalid-state';
    const address = remoteAddress(remote, this.#family);
    const pending = state.kind === 'bound' ? state.binding.connect(address) : this.#network.connectTcp(address);
    this.#state = { kind: 'connecting', operation: new Operation(pending, (connection) => connection.close()) };
  }

  finishConnect(): [InputStream, OutputStream] {
    if (this.#state.kind !== 'connecting') throw 'not-in-progress';
    const connection = this.#finished(this.#state.operation, { kind: 'closed' });
    const streams = new TcpStreams(this.#context, connection);
    this.#state = { kind: 'connected', streams };
    return streams.pair;
  }

  startListen(): void {
    if (this.#state.kind === 'starting' || this.#state.kind === 'binding') throw 'concurrency-conflict';
    if (this.#state.kind !== 'bound') throw 'invalid-state';
    const { binding } = this.#state;
    this.#state = { kind: 'starting', binding, operation: new Operation(binding.listen(this.#backlog)) };
  }

  finishListen(): void {
    if (this.#state.kind !== 'starting') throw 'not-in-progress';
    const { binding } = this.#state;
    this.#finished(this.#state.operation, { kind: 'closed' });
    this.#state = { kind: 'listening', binding, operation: accepting(binding) };
  }

  accept(): [TcpSocket, InputStream, OutputStream] {
    if (this.#state.kind !== 'listening') throw 'invalid-state';
    const { binding, operation } = this.#state;
    if (!operation.ready) throw 'would-block';
    this.#state = { kind: 'listening', binding, operation: accepting(binding) };
    const streams = new TcpStreams(this.#context, operation.finish());
    const socket = new TcpSocket(this.#context, this.#network, this.#family, { kind: 'connected', streams });
    return [socket, ...streams.pair];
  }

  localAddress(): IpSocketAddress {
    const state = this.#state;
    switch (state.kind) {
      case 'bound':
      case 'starting':
      case 'listening':
        return witSocketAddressOf(state.binding.local);
      case 'connected':
        return witSocketAddressOf(state.streams.connection.local);
      default:
        throw 'invalid-state';
    }
  }

  remoteAddress(): IpSocketAddress {
    if (this.#state.kind !== 'connected') throw 'invalid-state';
    return witSocketAddressOf(this.#state.streams.connection.remote);
  }

  isListening(): boolean {
    return this.#state.kind === 'listening';
  }

  addressFamily(): AddressFamily {
    return this.#family;
  }

  setListenBacklogSize(value: bigint): void {
    const backlog = Number(SocketOptions.positive(value));
    if (this.#state.kind === 'connecting' || this.#state.kind === 'connected') throw 'invalid-state';
    this.#backlog = Math.min(backlog, BACKLOG);
  }

  keepAliveEnabled(): boolean {
    return this.#options.keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#options.keepAlive = value;
  }

  keepAliveIdleTime(): bigint {
    return this.#options.keepAliveIdleNs;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#options.keepAliveIdleNs = SocketOptions.positive(value);
  }

  keepAliveInterval(): bigint {
    return this.#options.keepAliveIntervalNs;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#options.keepAliveIntervalNs = SocketOptions.positive(value);
  }

  keepAliveCount(): number {
    return this.#options.keepAliveCount;
  }

  setKeepAliveCount(value: number): void {
    this.#options.keepAliveCount = SocketOptions.positive(value);
  }

  hopLimit(): number {
    return this.#options.hopLimit;
  }

  setHopLimit(value: number): void {
    this.#options.hopLimit = SocketOptions.positive(value);
  }

  receiveBufferSize(): bigint {
    return this.#options.receiveBufferBytes;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#options.receiveBufferBytes = SocketOptions.positive(value);
  }

  sendBufferSize(): bigint {
    return this.#options.sendBufferBytes;
  }

  setSendBufferSize(value: bigint): void {
    this.#options.sendBufferBytes = SocketOptions.positive(value);
  }

  subscribe(): Pollable {
    // Of the state that the socket is in when it is looked at, not of the one that it has now.
    const operation = () => ('operation' in this.#state ? this.#state.operation : ALWAYS_READY);
    return new Pollable(this.#context, new CurrentReadiness(operation));
  }

  shutdown(type: 'receive' | 'send' | 'both'): void {
    if (this.#state.kind !== 'connected') throw 'invalid-state';
    this.#state.streams.shutdown(type);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#forget();
    this.#end();
    this.#context.release();
  }

  /** What came of an operation; a failed one leads to another state. */
  #finished<Result>(operation: Operation<Result>, otherwise: State): Result {
    const { ready } = operation;
    try {
      return operation.finish();
    } catch (code) {
      if (ready) this.#state = otherwise;
      throw code;
    }
  }

  #end(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if ('operation' in state) state.operation.cancel();
    if ('binding' in state) state.binding.close();
    if (state.kind === 'connected') state.streams.release();
  }
}

function accepting(binding: TcpBinding): Operation<TcpConnection> {
  return new Operation(binding.accept(), (connection) => connection.close());
}

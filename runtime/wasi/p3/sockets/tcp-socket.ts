import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import {
  type AddressFamily,
  type IpSocketAddress,
  localAddress,
  remoteAddress,
  witSocketAddressOf,
} from '../../sockets/address.ts';
import type { NetworkBackend, Pending, TcpBinding, TcpConnection } from '../../sockets/network-backend.ts';
import { SocketOptions } from '../../sockets/socket-options.ts';
import type { GuestStream } from '../stream/guest-stream.ts';
import { anyAddress } from './any-address.ts';
import { coded, outcomeOf } from './outcome.ts';
import { GuestConnection, nothingToReceive, refuse, type SocketEnded } from './tcp-connection.ts';

type State =
  | { readonly kind: 'unbound' | 'busy' | 'closed' }
  | { readonly kind: 'bound'; readonly binding: TcpBinding }
  | { readonly kind: 'connected'; readonly connection: GuestConnection }
  | { readonly kind: 'listening'; readonly binding: TcpBinding; readonly release: () => void };

/** Connections that wait for a guest to accept them, unless it says otherwise. */
const BACKLOG = 128;

const INVALID_STATE = { tag: 'invalid-state' } as const;

/** `wasi:sockets/types`'s resource `tcp-socket` in WASI 0.3. `bind` and `listen` wait, though their types do not say so. */
export class TcpSocket3 {
  readonly #context: Context;
  readonly #network: NetworkBackend;
  readonly #family: AddressFamily;
  readonly #options: SocketOptions;
  readonly #forget: () => void;
  #state: State;
  #backlog = BACKLOG;
  #dropped = false;

  private constructor(
    context: Context,
    network: NetworkBackend,
    family: AddressFamily,
    state: State,
    options = new SocketOptions(),
  ) {
    context.retain();
    this.#context = context;
    this.#network = network;
    this.#family = family;
    this.#options = options;
    this.#state = state;
    this.#forget = context.atClose(() => this.#end());
  }

  /** `[static]tcp-socket.create`. Denied where there is no network. */
  static create(context: Context, family: AddressFamily): TcpSocket3 {
    const { network } = context.backend;
    if (network === null) throw { tag: 'access-denied' };
    return new TcpSocket3(context, network, family, { kind: 'unbound' });
  }

  async bind(local: IpSocketAddress): Promise<void> {
    if (this.#state.kind !== 'unbound') throw INVALID_STATE;
    const address = coded(() => localAddress(local, this.#family));
    await this.#bind(this.#network.bindTcp(address));
  }

  async connect(remote: IpSocketAddress): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'unbound' && state.kind !== 'bound') throw INVALID_STATE;
    const address = coded(() => remoteAddress(remote, this.#family));
    const pending = state.kind === 'bound' ? state.binding.connect(address) : this.#network.connectTcp(address);
    const connection = await this.#while(pending, { kind: 'closed' }, (late) => late.close());
    this.#state = { kind: 'connected', connection: new GuestConnection(this.#context, connection) };
  }

  /** Without an address of its own it listens on all, at a port that is free. */
  async listen(): Promise<AsyncIterable<TcpSocket3>> {
    if (this.#state.kind === 'unbound') await this.#bind(this.#network.bindTcp(anyAddress(this.#family)));
    if (this.#state.kind !== 'bound') throw INVALID_STATE;
    const { binding } = this.#state;
    await this.#while(binding.listen(this.#backlog), { kind: 'closed' });
    let holders = 2;
    // The peers still come when the guest has dropped either of the two.
    const release = () => {
      holders -= 1;
      if (holders === 0) binding.close();
    };
    this.#state = { kind: 'listening', binding, release };
    return new AcceptStream(
      binding,
      (connection) => {
        const state = { kind: 'connected', connection: new GuestConnection(this.#context, connection) } as const;
        const options = Object.assign(new SocketOptions(), this.#options);
        return new TcpSocket3(this.#context, this.#network, this.#family, state, options);
      },
      release,
    );
  }

  async send(data: GuestStream): Promise<SocketEnded> {
    return this.#state.kind === 'connected' ? this.#state.connection.send(data) : refuse(data);
  }

  receive(): [AsyncIterable<Uint8Array>, Promise<SocketEnded>] {
    return this.#state.kind === 'connected' ? this.#state.connection.receive() : nothingToReceive();
  }

  getLocalAddress(): IpSocketAddress {
    const state = this.#state;
    if (state.kind === 'bound' || state.kind === 'listening') return witSocketAddressOf(state.binding.local);
    if (state.kind === 'connected') return witSocketAddressOf(state.connection.connection.local);
    throw INVALID_STATE;
  }

  getRemoteAddress(): IpSocketAddress {
    if (this.#state.kind !== 'connected') throw INVALID_STATE;
    return witSocketAddressOf(this.#state.connection.connection.remote);
  }

  getIsListening(): boolean {
    return this.#state.kind === 'listening';
  }

  getAddressFamily(): AddressFamily {
    return this.#family;
  }

  setListenBacklogSize(value: bigint): void {
    const backlog = coded(() => SocketOptions.positive(value));
    if (this.#state.kind === 'connected') throw INVALID_STATE;
    this.#backlog = Math.min(Number(backlog), BACKLOG);
  }

  getKeepAliveEnabled(): boolean {
    return this.#options.keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#options.keepAlive = value;
  }

  getKeepAliveIdleTime(): bigint {
    return this.#options.keepAliveIdleNs;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#options.keepAliveIdleNs = coded(() => SocketOptions.positive(value));
  }

  getKeepAliveInterval(): bigint {
    return this.#options.keepAliveIntervalNs;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#options.keepAliveIntervalNs = coded(() => SocketOptions.positive(value));
  }

  getKeepAliveCount(): number {
    return this.#options.keepAliveCount;
  }

  setKeepAliveCount(value: number): void {
    this.#options.keepAliveCount = coded(() => SocketOptions.positive(value));
  }

  getHopLimit(): number {
    return this.#options.hopLimit;
  }

  setHopLimit(value: number): void {
    this.#options.hopLimit = coded(() => SocketOptions.positive(value));
  }

  getReceiveBufferSize(): bigint {
    return this.#options.receiveBufferBytes;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#options.receiveBufferBytes = coded(() => SocketOptions.positive(value));
  }

  getSendBufferSize(): bigint {
    return this.#options.sendBufferBytes;
  }

  setSendBufferSize(value: bigint): void {
    this.#options.sendBufferBytes = coded(() => SocketOptions.positive(value));
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#forget();
    this.#end();
    this.#context.release();
  }

  async #bind(pending: Pending<TcpBinding>): Promise<void> {
    const binding = await this.#while(pending, { kind: 'unbound' }, (late) => late.close());
    this.#state = { kind: 'bound', binding };
  }

  /** Waits for something, meanwhile nothing else can be begun; `late` gets what comes for a socket that is gone. */
  async #while<Result>(pending: Pending<Result>, otherwise: State, late?: (result: Result) => void): Promise<Result> {
    this.#state = { kind: 'busy' };
    let result: Result;
    try {
      result = await outcomeOf(this.#context, pending);
    } catch (error) {
      if (this.#state.kind === 'busy') this.#state = otherwise;
      throw error;
    }
    if (this.#state.kind === 'busy') return result;
    late?.(result);
    throw INVALID_STATE;
  }

  #end(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'bound') state.binding.close();
    if (state.kind === 'listening') state.release();
    if (state.kind === 'connected') state.connection.release();
  }
}

/** `stream<tcp-socket>`: the peers that connect, one after another. */
class AcceptStream implements AsyncIterableIterator<TcpSocket3> {
  readonly #binding: TcpBinding;
  readonly #socketOf: (connection: TcpConnection) => TcpSocket3;
  readonly #release: () => void;
  #pending: Pending<TcpConnection> | null = null;
  #over = false;

  constructor(binding: TcpBinding, socketOf: (connection: TcpConnection) => TcpSocket3, release: () => void) {
    this.#binding = binding;
    this.#socketOf = socketOf;
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<TcpSocket3>> {
    if (this.#over) return { value: undefined, done: true };
    this.#pending = this.#binding.accept();
    try {
      const connection = await this.#pending.result;
      if (!this.#over) return { value: this.#socketOf(connection), done: false };
      connection.close();
    } catch {
      // Nobody can connect any more: the end of the stream says all that it can say.
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<TcpSocket3>> {
    if (!this.#over) {
      this.#over = true;
      this.#pending?.cancel();
      this.#release();
    }
    return { value: undefined, done: true };
  }
}

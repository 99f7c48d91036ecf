import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { ALWAYS_READY, Pollable } from '../io/pollable.ts';
import {
  type AddressFamily,
  type IpSocketAddress,
  localAddress,
  remoteAddress,
  witSocketAddressOf,
} from './address.ts';
import { CurrentReadiness } from './current-readiness.ts';
import { IncomingDatagramStream, OutgoingDatagramStream } from './datagram-streams.ts';
import type { NetworkBackend, SocketAddress, UdpPort } from './network-backend.ts';
import { Operation } from './operation.ts';
import { SocketOptions } from './socket-options.ts';

type State =
  | { readonly kind: 'unbound' | 'closed' }
  | { readonly kind: 'binding'; readonly operation: Operation<UdpPort> }
  | { readonly kind: 'bound'; readonly port: UdpPort; readonly remote: SocketAddress | null };

/** `wasi:sockets/udp`'s resource `udp-socket`. */
export class UdpSocket {
  readonly #context: Context;
  readonly #network: NetworkBackend;
  readonly #family: AddressFamily;
  readonly #options = new SocketOptions();
  readonly #forget: () => void;
  #state: State = { kind: 'unbound' };
  #streams: readonly [IncomingDatagramStream, OutgoingDatagramStream] | null = null;
  #dropped = false;

  private constructor(context: Context, network: NetworkBackend, family: AddressFamily) {
    context.retain();
    this.#context = context;
    this.#network = network;
    this.#family = family;
    this.#forget = context.atClose(() => this.#end());
  }

  /** `wasi:sockets/udp-create-socket#create-udp-socket`. Denied where there is no network. */
  static create(context: Context, family: AddressFamily): UdpSocket {
    const { network } = context.backend;
    if (network === null) throw 'access-denied';
    return new UdpSocket(context, network, family);
  }

  startBind(_network: unknown, local: IpSocketAddress): void {
    if (this.#state.kind === 'binding') throw 'concurrency-conflict';
    if (this.#state.kind !== 'unbound') throw 'invalid-state';
    const address = localAddress(local, this.#family);
    const operation = new Operation(this.#network.bindUdp(address), (port) => port.close());
    this.#state = { kind: 'binding', operation };
  }

  finishBind(): void {
    if (this.#state.kind !== 'binding') throw 'not-in-progress';
    const { operation } = this.#state;
    const { ready } = operation;
    try {
      this.#state = { kind: 'bound', port: operation.finish(), remote: null };
    } catch (code) {
      if (ready) this.#state = { kind: 'unbound' };
      throw code;
    }
  }

  /** Datagrams of one peer, or of any. The streams that it gave before work no more. */
  stream(remote: IpSocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    if (this.#state.kind !== 'bound') throw 'invalid-state';
    const peer = remote === undefined ? null : remoteAddress(remote, this.#family);
    const { port } = this.#state;
    this.#endStreams();
    this.#state = { kind: 'bound', port, remote: peer };
    const pair: [IncomingDatagramStream, OutgoingDatagramStream] = [
      new IncomingDatagramStream(this.#context, port, peer),
      new OutgoingDatagramStream(this.#context, port, peer, this.#family),
    ];
    this.#streams = pair;
    return pair;
  }

  localAddress(): IpSocketAddress {
    if (this.#state.kind !== 'bound') throw 'invalid-state';
    return witSocketAddressOf(this.#state.port.local);
  }

  remoteAddress(): IpSocketAddress {
    if (this.#state.kind !== 'bound' || this.#state.remote === null) throw 'invalid-state';
    return witSocketAddressOf(this.#state.remote);
  }

  addressFamily(): AddressFamily {
    return this.#family;
  }

  unicastHopLimit(): number {
    return this.#options.hopLimit;
  }

  setUnicastHopLimit(value: number): void {
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
    const operation = () => (this.#state.kind === 'binding' ? this.#state.operation : ALWAYS_READY);
    return new Pollable(this.#context, new CurrentReadiness(operation));
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#forget();
    this.#end();
    this.#context.release();
  }

  #endStreams(): void {
    for (const stream of this.#streams ?? []) stream.end();
    this.#streams = null;
  }

  #end(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#endStreams();
    if (state.kind === 'binding') state.operation.cancel();
    if (state.kind === 'bound') state.port.close();
  }
}

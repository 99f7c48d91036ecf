import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import { wakerOf } from '../../io/waker.ts';
import { Watch } from '../../io/watch.ts';
import {
  type AddressFamily,
  type IpSocketAddress,
  localAddress,
  remoteAddress,
  sameAddress,
  witSocketAddressOf,
} from '../../sockets/address.ts';
import type { NetworkBackend, SocketAddress, UdpPort } from '../../sockets/network-backend.ts';
import { SocketOptions } from '../../sockets/socket-options.ts';
import { addressTowards } from './any-address.ts';
import { coded, outcomeOf } from './outcome.ts';

type State =
  | { readonly kind: 'unbound' | 'busy' | 'closed' }
  | { readonly kind: 'bound'; readonly port: UdpPort; readonly remote: SocketAddress | null };

/** What UDP over IPv4 can carry. */
const MAX_DATAGRAM_BYTES = 65_507;

const INVALID_STATE = { tag: 'invalid-state' } as const;
const INVALID_ARGUMENT = { tag: 'invalid-argument' } as const;

/** `wasi:sockets/types`'s resource `udp-socket` in WASI 0.3. `bind` and `connect` wait, though their types do not say so. */
export class UdpSocket3 {
  readonly #context: Context;
  readonly #network: NetworkBackend;
  readonly #family: AddressFamily;
  readonly #options = new SocketOptions();
  readonly #forget: () => void;
  #state: State = { kind: 'unbound' };
  #dropped = false;

  private constructor(context: Context, network: NetworkBackend, family: AddressFamily) {
    context.retain();
    this.#context = context;
    this.#network = network;
    this.#family = family;
    this.#forget = context.atClose(() => this.#end());
  }

  /** `[static]udp-socket.create`. Denied where there is no network. */
  static create(context: Context, family: AddressFamily): UdpSocket3 {
    const { network } = context.backend;
    if (network === null) throw { tag: 'access-denied' };
    return new UdpSocket3(context, network, family);
  }

  async bind(local: IpSocketAddress): Promise<void> {
    if (this.#state.kind !== 'unbound') throw INVALID_STATE;
    await this.#bind(coded(() => localAddress(local, this.#family)));
  }

  /** From now on it has one peer, to whom it sends and from whom it receives. */
  async connect(given: IpSocketAddress): Promise<void> {
    const remote = coded(() => remoteAddress(given, this.#family));
    const port = await this.#port(remote);
    this.#state = { kind: 'bound', port, remote };
  }

  disconnect(): void {
    if (this.#state.kind !== 'bound' || this.#state.remote === null) throw INVALID_STATE;
    this.#state = { ...this.#state, remote: null };
  }

  async send(data: Uint8Array, given: IpSocketAddress | undefined): Promise<void> {
    const peer = this.#state.kind === 'bound' ? this.#state.remote : null;
    const named = given === undefined ? null : coded(() => remoteAddress(given, this.#family));
    const remote = named ?? peer;
    if (remote === null || (peer !== null && !sameAddress(remote, peer))) throw INVALID_ARGUMENT;
    if (data.length > MAX_DATAGRAM_BYTES) throw { tag: 'datagram-too-large' };
    const port = await this.#port(remote);
    const room = new Watch(
      () => this.#state.kind !== 'bound' || attempt(() => port.sendable),
      () => wakerOf(port.room),
    );
    await this.#context.untilAny([room]);
    if (this.#state.kind !== 'bound') throw INVALID_STATE;
    coded(() => port.send({ data, remote }));
  }

  async receive(): Promise<[Uint8Array, IpSocketAddress]> {
    for (;;) {
      const state = this.#state;
      if (state.kind !== 'bound') throw INVALID_STATE;
      const { port } = state;
      const arrival = new Watch(
        () => this.#state.kind !== 'bound' || port.receivable,
        () => wakerOf(port.arrival),
      );
      await this.#context.untilAny([arrival]);
      if (this.#state.kind !== 'bound') throw INVALID_STATE;
      const datagram = coded(() => port.receive());
      const peer = this.#state.remote;
      if (datagram === null || (peer !== null && !sameAddress(datagram.remote, peer))) continue;
      return [datagram.data, witSocketAddressOf(datagram.remote)];
    }
  }

  getLocalAddress(): IpSocketAddress {
    if (this.#state.kind !== 'bound') throw INVALID_STATE;
    return witSocketAddressOf(this.#state.port.local);
  }

  getRemoteAddress(): IpSocketAddress {
    if (this.#state.kind !== 'bound' || this.#state.remote === null) throw INVALID_STATE;
    return witSocketAddressOf(this.#state.remote);
  }

  getAddressFamily(): AddressFamily {
    return this.#family;
  }

  getUnicastHopLimit(): number {
    return this.#options.hopLimit;
  }

  setUnicastHopLimit(value: number): void {
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

  /** Its port, which it gets now when it has none. */
  async #port(remote: SocketAddress): Promise<UdpPort> {
    if (this.#state.kind === 'unbound') await this.#bind(addressTowards(remote));
    if (this.#state.kind !== 'bound') throw INVALID_STATE;
    return this.#state.port;
  }

  async #bind(local: SocketAddress): Promise<void> {
    this.#state = { kind: 'busy' };
    let port: UdpPort;
    try {
      port = await outcomeOf(this.#context, this.#network.bindUdp(local));
    } catch (error) {
      if (this.#state.kind === 'busy') this.#state = { kind: 'unbound' };
      throw error;
    }
    if (this.#state.kind === 'busy') this.#state = { kind: 'bound', port, remote: null };
    else port.close();
  }

  #end(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'bound') state.port.close();
  }
}

/** Whether something is so, or fails, which its use will tell. */
function attempt(operation: () => boolean): boolean {
  try {
    return operation();
  } catch {
    return true;
  }
}

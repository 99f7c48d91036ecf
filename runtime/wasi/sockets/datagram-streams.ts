import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';
import { Pollable } from '../io/pollable.ts';
import { type Waker, wakerOf } from '../io/waker.ts';
import { Watch } from '../io/watch.ts';
import { type AddressFamily, type IpSocketAddress, remoteAddress, sameAddress, witSocketAddressOf } from './address.ts';
import { type SocketAddress, SocketFailure, type UdpPort } from './network-backend.ts';

/** `wasi:sockets/udp#incoming-datagram`. */
export interface IncomingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: IpSocketAddress;
}

/** `wasi:sockets/udp#outgoing-datagram`. */
export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: IpSocketAddress | undefined;
}

/** Datagrams given, or taken, by one call: each may have 64 KiB. */
const MAX_DATAGRAMS = 16;
/** What UDP over IPv4 can carry. */
const MAX_DATAGRAM_BYTES = 65_507;

/** `wasi:sockets/udp`'s resource `incoming-datagram-stream`. */
export class IncomingDatagramStream {
  readonly #context: Context;
  readonly #port: UdpPort;
  readonly #remote: SocketAddress | null;
  readonly #readiness: Watch;
  #ended = false;
  #dropped = false;

  /** `remote`: the only peer whose datagrams come; null for all. */
  constructor(context: Context, port: UdpPort, remote: SocketAddress | null) {
    context.retain();
    this.#context = context;
    this.#port = port;
    this.#remote = remote;
    this.#readiness = new Watch(
      () => this.#ended || port.receivable,
      () => wakerOf(port.arrival),
    );
  }

  /** The socket has other streams now, or is gone. */
  end(): void {
    this.#ended = true;
  }

  receive(max: bigint): IncomingDatagram[] {
    const datagrams: IncomingDatagram[] = [];
    if (this.#ended) throw 'invalid-state';
    const limit = max > BigInt(MAX_DATAGRAMS) ? MAX_DATAGRAMS : Number(max);
    while (datagrams.length < limit) {
      const datagram = trying(() => this.#port.receive());
      if (datagram === null) break;
      if (this.#remote !== null && !sameAddress(datagram.remote, this.#remote)) continue;
      datagrams.push({ data: datagram.data, remoteAddress: witSocketAddressOf(datagram.remote) });
    }
    return datagrams;
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#readiness);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ended = true;
    this.#context.release();
  }
}

/** `wasi:sockets/udp`'s resource `outgoing-datagram-stream`. */
export class OutgoingDatagramStream {
  readonly #context: Context;
  readonly #port: UdpPort;
  readonly #remote: SocketAddress | null;
  readonly #family: AddressFamily;
  readonly #readiness: Watch;
  #permit = 0;
  #ended = false;
  #dropped = false;

  /** `remote`: the only peer to whom datagrams go; null: each says to whom. */
  constructor(context: Context, port: UdpPort, remote: SocketAddress | null, family: AddressFamily) {
    context.retain();
    this.#context = context;
    this.#port = port;
    this.#remote = remote;
    this.#family = family;
    const room: Waker = wakerOf(port.room);
    this.#readiness = new Watch(
      () => this.#ended || this.#sendable(),
      () => room,
    );
  }

  /** The socket has other streams now, or is gone. */
  end(): void {
    this.#ended = true;
  }

  checkSend(): bigint {
    if (this.#ended) throw 'invalid-state';
    this.#permit = trying(() => this.#port.sendable) ? MAX_DATAGRAMS : 0;
    return BigInt(this.#permit);
  }

  /** How many went: fewer than asked when the room is full, or the next one cannot be sent. */
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    if (this.#ended) throw 'invalid-state';
    if (datagrams.length > this.#permit) {
      throw new GuestTrap(`check-send permitted ${this.#permit} datagrams, the guest sent ${datagrams.length}`);
    }
    this.#permit = 0;
    let sent = 0n;
    for (const datagram of datagrams) {
      if (!trying(() => this.#port.sendable)) break;
      try {
        this.#send(datagram);
      } catch (code) {
        if (sent > 0n && typeof code === 'string') break;
        throw code;
      }
      sent += 1n;
    }
    return sent;
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#readiness);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ended = true;
    this.#context.release();
  }

  #send({ data, remoteAddress: given }: OutgoingDatagram): void {
    const named = given === undefined ? null : remoteAddress(given, this.#family);
    const remote = named ?? this.#remote;
    if (remote === null || (this.#remote !== null && !sameAddress(remote, this.#remote))) throw 'invalid-argument';
    if (data.length > MAX_DATAGRAM_BYTES) throw 'datagram-too-large';
    trying(() => this.#port.send({ data, remote }));
  }

  #sendable(): boolean {
    try {
      return this.#port.sendable;
    } catch {
      // The failure is told by the next call; a poll must only come to it.
      return true;
    }
  }
}

/** Throws the code of a failure, as the glue wants it. */
function trying<Result>(operation: () => Result): Result {
  try {
    return operation();
  } catch (error) {
    throw error instanceof SocketFailure ? error.code : error;
  }
}

import type { Context } from '../../context.ts';
import type { TcpConnection } from '../../sockets/network-backend.ts';
import { drain } from '../stream/drain.ts';
import { type GuestStream, OK, type WitResult } from '../stream/guest-stream.ts';
import { SourceStream } from '../stream/source-stream.ts';
import type { SocketError } from './outcome.ts';

/** `result<_, error-code>`: how one direction of a connection ended. */
export type SocketEnded = WitResult<undefined, SocketError>;

const INVALID_STATE: SocketEnded = { tag: 'err', val: { tag: 'invalid-state' } };
const BROKEN: SocketEnded = { tag: 'err', val: { tag: 'connection-broken' } };

/** A connection as a guest uses it: each direction once. It lasts as long as its socket or one of its directions is in use. */
export class GuestConnection {
  readonly connection: TcpConnection;
  readonly #context: Context;
  readonly #forget: () => void;
  #sending = false;
  #receiving = false;
  #holders = 1;

  constructor(context: Context, connection: TcpConnection) {
    this.#context = context;
    this.connection = connection;
    this.#forget = context.atClose(() => connection.close());
  }

  /** Sends all that the guest writes, then says that no more comes. */
  async send(data: GuestStream): Promise<SocketEnded> {
    if (this.#sending) return refuse(data);
    this.#sending = true;
    this.#holders += 1;
    const { sink } = this.connection;
    try {
      const failure = await drain(this.#context, data, sink);
      sink.close();
      return failure === null ? OK : BROKEN;
    } finally {
      this.release();
    }
  }

  /** What the peer sends. */
  receive(): [AsyncIterable<Uint8Array>, Promise<SocketEnded>] {
    if (this.#receiving) return nothingToReceive();
    this.#receiving = true;
    this.#holders += 1;
    const { promise, resolve } = Promise.withResolvers<SocketEnded>();
    const stream = new SourceStream(this.#context, this.connection.source, (failure) => {
      resolve(failure === null ? OK : BROKEN);
      this.release();
    });
    return [stream, promise];
  }

  /** The socket, or one direction, is not in use any more. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#forget();
    this.connection.close();
  }
}

/** The answer to a `send` that cannot be. */
export function refuse(data: GuestStream): SocketEnded {
  data[Symbol.dispose]();
  return INVALID_STATE;
}

/** The answer to a `receive` that cannot be. */
export function nothingToReceive(): [AsyncIterable<Uint8Array>, Promise<SocketEnded>] {
  return [nothing(), Promise.resolve(INVALID_STATE)];
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

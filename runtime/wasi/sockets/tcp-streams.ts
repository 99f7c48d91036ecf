import { type ByteSink, type ByteSource, StreamFailure } from '../backend.ts';
import type { Context } from '../context.ts';
import { InputStream } from '../io/input-stream.ts';
import { OutputStream } from '../io/output-stream.ts';
import type { TcpConnection } from './network-backend.ts';

/** The two streams of a connection. They and their socket share it: the last one that the guest drops ends it. */
export class TcpStreams {
  readonly connection: TcpConnection;
  readonly pair: [InputStream, OutputStream];
  readonly #source: ClosableSource;
  readonly #sink: ClosableSink;
  readonly #forget: () => void;
  #holders = 3;

  constructor(context: Context, connection: TcpConnection) {
    this.connection = connection;
    this.#source = new ClosableSource(connection.source);
    this.#sink = new ClosableSink(connection.sink);
    this.#forget = context.atClose(() => connection.close());
    const dropped = (half: { close(): void }) => () => {
      half.close();
      this.release();
    };
    this.pair = [
      new InputStream(context, this.#source, dropped(this.#source)),
      new OutputStream(context, this.#sink, dropped(this.#sink)),
    ];
  }

  /** One of the three holders is gone. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#forget();
    this.connection.close();
  }

  shutdown(type: 'receive' | 'send' | 'both'): void {
    if (type !== 'send') this.#source.close();
    if (type !== 'receive') this.#sink.close();
  }
}

/** A source that is at its end once it was closed, also for a guest that still reads. */
class ClosableSource implements ByteSource {
  readonly #source: ByteSource;
  #closed = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get ready(): boolean {
    return this.#closed || this.#source.ready;
  }

  read(max: number): Uint8Array | null {
    return this.#closed ? null : this.#source.read(max);
  }

  wait(): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#source.wait();
  }

  close(): void {
    this.#closed = true;
    this.#source.close();
  }
}

/** A sink that takes no more once it was closed, also of a guest that still writes. */
class ClosableSink implements ByteSink {
  readonly #sink: ByteSink;
  #closed = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  get capacity(): number {
    if (this.#closed) throw new StreamFailure('the sending side of the connection was shut down');
    return this.#sink.capacity;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) throw new StreamFailure('the sending side of the connection was shut down');
    this.#sink.write(bytes);
  }

  wait(): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#sink.wait();
  }

  flush(): Promise<void> | undefined {
    return this.#closed ? undefined : this.#sink.flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.close();
  }
}

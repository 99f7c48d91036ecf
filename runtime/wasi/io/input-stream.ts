import { type ByteSource, StreamFailure } from '../backend.ts';
import type { Context, Readiness } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { IoError, type StreamError } from './error.ts';
import { clipLength } from './length.ts';
import { Pollable } from './pollable.ts';
import { wakerOf } from './waker.ts';
import { Watch } from './watch.ts';

const EMPTY = new Uint8Array(0);
const CLOSED: StreamError = { tag: 'closed' };

/** `wasi:io/streams`'s resource `input-stream` over a `ByteSource`. */
export class InputStream {
  readonly #context: Context;
  readonly #source: ByteSource;
  readonly #onDrop: () => void;
  readonly #readiness: Readiness;
  #closed = false;
  #dropped = false;

  /** `onDrop` runs once, when the guest drops the stream: most owners close the source then. */
  constructor(context: Context, source: ByteSource, onDrop: () => void = () => source.close()) {
    context.retain();
    this.#context = context;
    this.#source = source;
    this.#onDrop = onDrop;
    this.#readiness = new Watch(
      () => this.#closed || source.ready,
      () => wakerOf(source),
    );
  }

  read(length: bigint): Uint8Array {
    if (this.#closed) throw CLOSED;
    if (length === 0n) return EMPTY;
    if (!this.#source.ready) return EMPTY;
    return this.#take(clipLength(length, this.#context.backend.limits.transferBytes));
  }

  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array> {
    const bytes = this.read(length);
    return bytes.length > 0 || length === 0n ? bytes : this.#readLater(length);
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint | Promise<bigint> {
    const bytes = this.blockingRead(length);
    return bytes instanceof Promise ? bytes.then((read) => BigInt(read.length)) : BigInt(bytes.length);
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#readiness);
  }

  /** Whether the guest has dropped it. */
  get dropped(): boolean {
    return this.#dropped;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    // A pollable that outlives its stream must not wait for ever.
    this.#closed = true;
    this.#context.release();
    this.#onDrop();
  }

  async #readLater(length: bigint): Promise<Uint8Array> {
    for (;;) {
      await this.#context.untilAny([this.#readiness]);
      const bytes = this.read(length);
      if (bytes.length > 0) return bytes;
    }
  }

  #take(max: number): Uint8Array {
    let bytes: Uint8Array | null;
    try {
      bytes = this.#source.read(max);
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
      this.#closed = true;
      throw { tag: 'last-operation-failed', val: new IoError(this.#context, error) } satisfies StreamError;
    }
    if (bytes !== null) {
      this.#context.worked(bytes.length);
      return bytes;
    }
    this.#closed = true;
    throw CLOSED;
  }
}

import { type ByteSource, StreamFailure } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import { wakerOf } from '../../io/waker.ts';
import { Watch } from '../../io/watch.ts';
import { type GuestBytes, type GuestStream, STEP_BYTES } from './guest-stream.ts';

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { value: undefined, done: true };

/**
 * A `ByteSource` as a `stream<u8>` for the guest: the glue asks for the next bytes when the guest reads. It ends at most once, with
 * null, or with the failure for which no more bytes come; a guest that drops its end has had enough.
 */
export class SourceStream implements AsyncIterableIterator<Uint8Array, undefined>, GuestStream {
  readonly #context: Context;
  readonly #source: ByteSource;
  readonly #ended: (failure: StreamFailure | null) => void;
  readonly #readiness: Watch;
  #over = false;

  constructor(context: Context, source: ByteSource, ended: (failure: StreamFailure | null) => void) {
    this.#context = context;
    this.#source = source;
    this.#ended = ended;
    this.#readiness = new Watch(
      () => this.#over || source.ready,
      () => wakerOf(source),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // Not always a promise: what is at hand must not cost a turn of the guest.
  next(): Promise<Step> {
    return this.#next(STEP_BYTES) as Promise<Step>;
  }

  /** What a reader in the host takes. */
  read({ count }: { readonly count: number }): GuestBytes | Promise<GuestBytes> {
    return this.#next(count);
  }

  return(): Promise<Step> {
    this.#end(null);
    return Promise.resolve(DONE);
  }

  [DISPOSE](): void {
    this.#end(null);
  }

  #next(max: number): Step | Promise<Step> {
    if (this.#over) return DONE;
    let bytes: Uint8Array | null;
    try {
      bytes = this.#source.read(max);
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
      this.#end(error);
      return DONE;
    }
    if (bytes === null) {
      this.#end(null);
      return DONE;
    }
    // A copy: the glue keeps what the guest has no room for.
    if (bytes.length > 0) return { value: bytes.slice(), done: false };
    return this.#context.untilAny([this.#readiness]).then(() => this.#next(max));
  }

  #end(failure: StreamFailure | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.close();
    this.#ended(failure);
  }
}

/** A source that outlives the stream over it. */
export class OpenSource implements ByteSource {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get ready(): boolean {
    return this.#source.ready;
  }

  read(max: number): Uint8Array | null {
    return this.#source.read(max);
  }

  wait(): Promise<void> {
    return this.#source.wait();
  }

  close(): void {}
}

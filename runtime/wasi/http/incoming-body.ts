import type { ByteSource } from '../backend.ts';
import type { Context, Readiness } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';
import { InputStream } from '../io/input-stream.ts';
import { ALWAYS_READY, Pollable } from '../io/pollable.ts';
import { Waker } from '../io/waker.ts';
import { Watch } from '../io/watch.ts';
import { HttpFailure } from './client.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { FieldEntry } from './field.ts';
import { Fields } from './fields.ts';

type Trailers = () => Promise<readonly FieldEntry[]>;

/** `wasi:http/types`'s resource `incoming-body`. */
export class IncomingBody {
  readonly #context: Context;
  readonly #source: ByteSource;
  readonly #trailers: Trailers | undefined;
  #stream: InputStream | null = null;
  #dropped = false;

  constructor(context: Context, source: ByteSource, trailers: Trailers | undefined) {
    context.retain();
    this.#context = context;
    this.#source = source;
    this.#trailers = trailers;
  }

  stream(): InputStream {
    if (this.#stream !== null) throw undefined;
    // The body closes the source: the stream may be dropped before the trailers are asked for.
    this.#stream = new InputStream(this.#context, this.#source, () => {});
    return this.#stream;
  }

  /** `[static]incoming-body.finish`. */
  static finish(body: IncomingBody): FutureTrailers {
    if (body.#stream !== null && !body.#stream.dropped) {
      throw new GuestTrap('the stream of an incoming body must be dropped before the body is finished');
    }
    const trailers = body.#trailers;
    body[DISPOSE]();
    return new FutureTrailers(body.#context, trailers);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
    this.#source.close();
  }
}

type Outcome =
  | { readonly tag: 'ok'; readonly val: Fields | undefined }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** `wasi:http/types`'s resource `future-trailers`. */
export class FutureTrailers {
  readonly #context: Context;
  readonly #readiness: Readiness;
  #state: 'waiting' | 'told' | readonly FieldEntry[] | HttpErrorCode = 'waiting';
  #dropped = false;

  constructor(context: Context, trailers: Trailers | undefined) {
    context.retain();
    this.#context = context;
    if (trailers === undefined) {
      this.#state = [];
      this.#readiness = ALWAYS_READY;
      return;
    }
    const settled = trailers().then(
      (entries) => {
        this.#state = entries;
      },
      (error: unknown) => {
        this.#state = error instanceof HttpFailure ? error.code : { tag: 'connection-terminated' };
      },
    );
    const waker = new Waker({ wait: () => settled });
    this.#readiness = new Watch(
      () => this.#state !== 'waiting',
      () => waker,
    );
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#readiness);
  }

  /** Undefined while the trailers have not come; an outer error when they were already given. */
  get(): { readonly tag: 'ok'; readonly val: Outcome } | { readonly tag: 'err'; readonly val: undefined } | undefined {
    const state = this.#state;
    if (state === 'waiting') return undefined;
    if (state === 'told') return { tag: 'err', val: undefined };
    this.#state = 'told';
    if ('tag' in state) return { tag: 'ok', val: { tag: 'err', val: state } };
    const fields = state.length === 0 ? undefined : Fields.received(this.#context, state);
    return { tag: 'ok', val: { tag: 'ok', val: fields } };
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }
}

import type { Context, Readiness } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { Pollable } from '../io/pollable.ts';
import { Waker } from '../io/waker.ts';
import { Watch } from '../io/watch.ts';
import { type HttpClientCall, type HttpClientResponse, httpErrorCodeOf } from './client.ts';
import type { HttpErrorCode } from './error-code.ts';
import { Fields } from './fields.ts';
import { IncomingBody } from './incoming-body.ts';

/** `wasi:http/types`'s resource `incoming-response`. */
export class IncomingResponse {
  readonly #context: Context;
  readonly #response: HttpClientResponse;
  #consumed = false;
  #dropped = false;

  constructor(context: Context, response: HttpClientResponse) {
    context.retain();
    this.#context = context;
    this.#response = response;
  }

  status(): number {
    return this.#response.status;
  }

  headers(): Fields {
    return Fields.received(this.#context, this.#response.headers);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw undefined;
    this.#consumed = true;
    return new IncomingBody(this.#context, this.#response.body, this.#response.trailers);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
    if (!this.#consumed) this.#response.body.close();
  }
}

type Outcome =
  | { readonly tag: 'ok'; readonly val: IncomingResponse }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

type State =
  | { readonly kind: 'waiting' | 'told' }
  | { readonly kind: 'response'; readonly response: HttpClientResponse }
  | { readonly kind: 'failed'; readonly code: HttpErrorCode };

/** `wasi:http/types`'s resource `future-incoming-response`. Dropped before its response was taken, it ends the request. */
export class FutureIncomingResponse {
  readonly #context: Context;
  readonly #call: HttpClientCall;
  readonly #readiness: Readiness;
  #state: State = { kind: 'waiting' };
  #dropped = false;

  constructor(context: Context, call: HttpClientCall) {
    context.retain();
    this.#context = context;
    this.#call = call;
    const settled = call.response.then(
      (response) => {
        this.#state = { kind: 'response', response };
      },
      (error: unknown) => {
        this.#state = { kind: 'failed', code: httpErrorCodeOf(error) };
      },
    );
    const waker = new Waker({ wait: () => settled });
    this.#readiness = new Watch(
      () => this.#state.kind !== 'waiting',
      () => waker,
    );
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#readiness);
  }

  /** Undefined while the response has not come; an outer error when it was already given. */
  get(): { readonly tag: 'ok'; readonly val: Outcome } | { readonly tag: 'err'; readonly val: undefined } | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'waiting':
        return undefined;
      case 'told':
        return { tag: 'err', val: undefined };
      case 'response': {
        const response = new IncomingResponse(this.#context, state.response);
        this.#state = { kind: 'told' };
        return { tag: 'ok', val: { tag: 'ok', val: response } };
      }
      case 'failed':
        this.#state = { kind: 'told' };
        return { tag: 'ok', val: { tag: 'err', val: state.code } };
      default:
        return state satisfies never;
    }
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
    if (this.#state.kind !== 'told') this.#call.forget();
  }
}

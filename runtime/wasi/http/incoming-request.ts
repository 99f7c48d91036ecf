import type { ByteSource } from '../backend.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { FieldEntry } from './field.ts';
import { Fields } from './fields.ts';
import { IncomingBody } from './incoming-body.ts';
import { type HttpMethod, type HttpScheme, methodOf, schemeOf } from './method.ts';

/** A request as it came over HTTP. */
export interface IncomingHttp {
  readonly method: string;
  readonly scheme: string | null;
  readonly authority: string | null;
  /** Path with query. */
  readonly path: string | null;
  readonly headers: readonly FieldEntry[];
  readonly body: ByteSource;
  /** The trailers, once the body is at its end; without it there are none. */
  readonly trailers?: () => Promise<readonly FieldEntry[]>;
}

/** `wasi:http/types`'s resource `incoming-request`. */
export class IncomingRequest {
  readonly #context: Context;
  readonly #request: IncomingHttp;
  #consumed = false;
  #dropped = false;

  constructor(context: Context, request: IncomingHttp) {
    context.retain();
    this.#context = context;
    this.#request = request;
  }

  method(): HttpMethod {
    return methodOf(this.#request.method);
  }

  pathWithQuery(): string | undefined {
    return this.#request.path ?? undefined;
  }

  scheme(): HttpScheme | undefined {
    const { scheme } = this.#request;
    return scheme === null ? undefined : schemeOf(scheme);
  }

  authority(): string | undefined {
    return this.#request.authority ?? undefined;
  }

  headers(): Fields {
    return Fields.received(this.#context, this.#request.headers);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw undefined;
    this.#consumed = true;
    return new IncomingBody(this.#context, this.#request.body, this.#request.trailers);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
    if (!this.#consumed) this.#request.body.close();
  }
}

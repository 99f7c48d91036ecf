import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { BodyPipe } from './body-pipe.ts';
import { declaredLength, type FieldEntry, isFieldName } from './field.ts';
import type { Fields } from './fields.ts';
import type { HttpMethod, HttpScheme } from './method.ts';
import { OutgoingBody } from './outgoing-body.ts';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** Printable ASCII without space: what may stand in an authority or a path. */
const URI_TEXT = /^[\x21-\x7e]+$/;

/** What a guest's request holds when it is sent. */
export interface SentRequest {
  readonly context: Context;
  readonly method: HttpMethod;
  readonly path: string | undefined;
  readonly scheme: HttpScheme | undefined;
  readonly authority: string | undefined;
  readonly headers: readonly FieldEntry[];
  /** Null: the guest never asked for the body; there is none. */
  readonly pipe: BodyPipe | null;
  /** The length that the headers declare: null when none, undefined when they contradict themselves. */
  readonly declared: number | null | undefined;
}

/** `wasi:http/types`'s resource `outgoing-request`. */
export class OutgoingRequest {
  readonly #context: Context;
  readonly #headers: Fields;
  #method: HttpMethod = { tag: 'get' };
  #path: string | undefined;
  #scheme: HttpScheme | undefined;
  #authority: string | undefined;
  readonly #declared: number | null | undefined;
  #pipe: BodyPipe | null = null;
  #dropped = false;

  constructor(headers: Fields) {
    this.#context = headers.context;
    this.#context.retain();
    this.#headers = headers;
    this.#declared = declaredLength(headers.entries());
  }

  body(): OutgoingBody {
    if (this.#pipe !== null) throw undefined;
    const { bodyWindowBytes } = this.#context.backend.limits;
    this.#pipe = new BodyPipe(bodyWindowBytes, this.#declared ?? null, 'HTTP-request-body-size');
    return new OutgoingBody(this.#context, this.#pipe);
  }

  method(): HttpMethod {
    return this.#method;
  }

  setMethod(method: HttpMethod): void {
    if (method.tag === 'other' && !isFieldName(method.val)) throw undefined;
    this.#method = method;
  }

  pathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && path !== '' && !URI_TEXT.test(path)) throw undefined;
    this.#path = path;
  }

  scheme(): HttpScheme | undefined {
    return this.#scheme;
  }

  setScheme(scheme: HttpScheme | undefined): void {
    if (scheme?.tag === 'other' && !SCHEME.test(scheme.val)) throw undefined;
    this.#scheme = scheme;
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !URI_TEXT.test(authority)) throw undefined;
    this.#authority = authority;
  }

  headers(): Fields {
    return this.#headers.frozen();
  }

  /** Takes the request from the guest. */
  static take(request: OutgoingRequest): SentRequest {
    const headers = request.#headers.entries();
    request[DISPOSE]();
    return {
      context: request.#context,
      method: request.#method,
      path: request.#path,
      scheme: request.#scheme,
      authority: request.#authority,
      headers,
      pipe: request.#pipe,
      declared: request.#declared,
    };
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#headers[DISPOSE]();
    this.#context.release();
  }
}

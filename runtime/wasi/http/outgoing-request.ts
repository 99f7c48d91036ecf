import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { BodyPipe } from './body-pipe.ts';
import type { HttpErrorCode } from './error-code.ts';
import { isFieldName } from './field.ts';
import type { Fields } from './fields.ts';
import type { HttpMethod, HttpScheme } from './method.ts';
import { OutgoingBody } from './outgoing-body.ts';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** Printable ASCII without space: what may stand in an authority or a path. */
const URI_TEXT = /^[\x21-\x7e]+$/;

/** `wasi:http/types`'s resource `outgoing-request`. It can be made, because engines do so freely; sending it is denied. */
export class OutgoingRequest {
  readonly #context: Context;
  readonly #headers: Fields;
  #method: HttpMethod = { tag: 'get' };
  #path: string | undefined;
  #scheme: HttpScheme | undefined;
  #authority: string | undefined;
  #hasBody = false;
  #dropped = false;

  constructor(headers: Fields) {
    this.#context = headers.context;
    this.#context.retain();
    this.#headers = headers;
  }

  /** `wasi:http/outgoing-handler#handle`: a guest has no network, so every request is denied. */
  static deny(request: OutgoingRequest, options: RequestOptions | undefined): never {
    request[DISPOSE]();
    options?.[DISPOSE]();
    throw { tag: 'HTTP-request-denied' } satisfies HttpErrorCode;
  }

  body(): OutgoingBody {
    if (this.#hasBody) throw undefined;
    this.#hasBody = true;
    return new OutgoingBody(this.#context, new BodyPipe(this.#context.backend.limits.bodyWindowBytes, null));
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

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#headers[DISPOSE]();
    this.#context.release();
  }
}

/** `wasi:http/types`'s resource `request-options`: remembers what it is told. */
export class RequestOptions {
  #context: Context | null;
  #connectNs: bigint | undefined;
  #firstByteNs: bigint | undefined;
  #betweenBytesNs: bigint | undefined;

  constructor(context: Context) {
    context.retain();
    this.#context = context;
  }

  connectTimeout(): bigint | undefined {
    return this.#connectNs;
  }

  setConnectTimeout(ns: bigint | undefined): void {
    this.#connectNs = ns;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByteNs;
  }

  setFirstByteTimeout(ns: bigint | undefined): void {
    this.#firstByteNs = ns;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytesNs;
  }

  setBetweenBytesTimeout(ns: bigint | undefined): void {
    this.#betweenBytesNs = ns;
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }
}

/** `wasi:http/types`'s resource `incoming-response`. Never made: every request is denied. */
export class IncomingResponse {
  [DISPOSE](): void {}
}

/** `wasi:http/types`'s resource `future-incoming-response`. Never made: every request is denied. */
export class FutureIncomingResponse {
  [DISPOSE](): void {}
}

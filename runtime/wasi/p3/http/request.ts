import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import type { FieldEntry } from '../../http/field.ts';
import type { IncomingHttp } from '../../http/incoming-request.ts';
import { type HttpMethod, type HttpScheme, methodOf, schemeOf } from '../../http/method.ts';
import type { GuestFuture, GuestStream } from '../stream/guest-stream.ts';
import { Fields3 } from './fields.ts';
import { MessageBody, type SentResult, type TrailersResult } from './message-body.ts';
import type { RequestOptions3, RequestTimeouts } from './request-options.ts';
import { parseAuthority, parseMethod, parsePathWithQuery, parseScheme } from './uri.ts';

/** A request that a guest sends. */
export interface SentRequest {
  readonly method: HttpMethod;
  readonly scheme: HttpScheme | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  readonly headers: readonly FieldEntry[];
  readonly timeouts: RequestTimeouts | undefined;
  readonly body: MessageBody;
}

/** `wasi:http/types`'s resource `request` in WASI 0.3: one that came, or one that the guest makes. */
export class Request3 {
  readonly #context: Context;
  readonly #headers: Fields3;
  readonly #body: MessageBody;
  readonly #options: RequestOptions3 | undefined;
  #method: HttpMethod = { tag: 'get' };
  #path: string | undefined;
  #scheme: HttpScheme | undefined;
  #authority: string | undefined;
  #dropped = false;

  private constructor(context: Context, headers: Fields3, body: MessageBody, options: RequestOptions3 | undefined) {
    context.retain();
    this.#context = context;
    this.#headers = headers;
    this.#body = body;
    this.#options = options;
  }

  /** `[static]request.new`. */
  static new(
    headers: Fields3,
    contents: GuestStream | undefined,
    trailers: GuestFuture<TrailersResult>,
    options: RequestOptions3 | undefined,
  ): [Request3, Promise<SentResult>] {
    const [body, sent] = MessageBody.ofGuest(contents, trailers);
    return [new Request3(headers.context, headers, body, options), sent];
  }

  /** A request as it came. */
  static incoming(context: Context, incoming: IncomingHttp): Request3 {
    const headers = Fields3.received(context, incoming.headers);
    const body = MessageBody.ofPeer(context, incoming.body, incoming.trailers);
    const request = new Request3(context, headers, body, undefined);
    request.#method = methodOf(incoming.method);
    request.#path = incoming.path ?? undefined;
    request.#scheme = incoming.scheme === null ? undefined : schemeOf(incoming.scheme);
    request.#authority = incoming.authority ?? undefined;
    return request;
  }

  /** Takes the request from the guest. */
  static take(request: Request3): SentRequest {
    request.#body.transmit();
    const taken = {
      method: request.#method,
      scheme: request.#scheme,
      authority: request.#authority,
      path: request.#path,
      headers: request.#headers.copyAll(),
      timeouts: request.#options?.timeouts,
      body: request.#body,
    };
    request[DISPOSE]();
    return taken;
  }

  /** `[static]request.consume-body`. */
  static consumeBody(request: Request3, result: GuestFuture<SentResult>): ReturnType<MessageBody['consume']> {
    const consumed = request.#body.consume(result);
    request[DISPOSE]();
    return consumed;
  }

  getMethod(): HttpMethod {
    return this.#method;
  }

  setMethod(method: HttpMethod): void {
    this.#method = parseMethod(method);
  }

  getPathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    this.#path = parsePathWithQuery(path);
  }

  getScheme(): HttpScheme | undefined {
    return this.#scheme;
  }

  setScheme(scheme: HttpScheme | undefined): void {
    this.#scheme = parseScheme(scheme);
  }

  getAuthority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    this.#authority = parseAuthority(authority);
  }

  getOptions(): RequestOptions3 | undefined {
    return this.#options?.frozen();
  }

  getHeaders(): Fields3 {
    return this.#headers.frozen();
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#body.drop();
    this.#headers[DISPOSE]();
    this.#options?.[DISPOSE]();
    this.#context.release();
  }
}

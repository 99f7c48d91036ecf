import type { ByteSource } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import type { FieldEntry } from '../../http/field.ts';
import type { GuestFuture, GuestStream } from '../stream/guest-stream.ts';
import { Fields3 } from './fields.ts';
import { MessageBody, type SentResult, type TrailersResult } from './message-body.ts';

/** A response as a peer sent it. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: readonly FieldEntry[];
  readonly body: ByteSource;
  readonly trailers?: () => Promise<readonly FieldEntry[]>;
}

/** A response that is sent. */
export interface SentResponse {
  readonly status: number;
  readonly headers: readonly FieldEntry[];
  readonly body: MessageBody;
}

/** `wasi:http/types`'s resource `response` in WASI 0.3: one that came, or one that the guest makes. */
export class Response3 {
  readonly #context: Context;
  readonly #headers: Fields3;
  readonly #body: MessageBody;
  #status = 200;
  #dropped = false;

  private constructor(context: Context, headers: Fields3, body: MessageBody) {
    context.retain();
    this.#context = context;
    this.#headers = headers;
    this.#body = body;
  }

  /** `[static]response.new`. */
  static new(
    headers: Fields3,
    contents: GuestStream | undefined,
    trailers: GuestFuture<TrailersResult>,
  ): [Response3, Promise<SentResult>] {
    const [body, sent] = MessageBody.ofGuest(contents, trailers);
    return [new Response3(headers.context, headers, body), sent];
  }

  /** A response as it came. */
  static incoming(context: Context, received: ReceivedResponse): Response3 {
    const headers = Fields3.received(context, received.headers);
    const response = new Response3(context, headers, MessageBody.ofPeer(context, received.body, received.trailers));
    response.#status = received.status;
    return response;
  }

  /** Takes the response from the guest. */
  static take(response: Response3): SentResponse {
    response.#body.transmit();
    const taken = { status: response.#status, headers: response.#headers.copyAll(), body: response.#body };
    response[DISPOSE]();
    return taken;
  }

  /** `[static]response.consume-body`. */
  static consumeBody(response: Response3, result: GuestFuture<SentResult>): ReturnType<MessageBody['consume']> {
    const consumed = response.#body.consume(result);
    response[DISPOSE]();
    return consumed;
  }

  getStatusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 599) throw undefined;
    this.#status = status;
  }

  getHeaders(): Fields3 {
    return this.#headers.frozen();
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#body.drop();
    this.#headers[DISPOSE]();
    this.#context.release();
  }
}

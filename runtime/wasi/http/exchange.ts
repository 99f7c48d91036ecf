import type { ByteSink } from '../backend.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { BodyEnd, BodyPipe } from './body-pipe.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { FieldEntry } from './field.ts';
import { type IncomingHttp, IncomingRequest } from './incoming-request.ts';
import { OutgoingResponse, type SetResponse } from './outgoing-response.ts';

/** Status and headers of a guest's answer. */
export interface HttpHead {
  readonly status: number;
  readonly headers: readonly FieldEntry[];
}

/** How an exchange ended. */
export type HttpEnd =
  /** The body is complete. */
  | BodyEnd
  /** The guest answered with an error instead of a response. */
  | { readonly kind: 'error'; readonly code: HttpErrorCode }
  /** The guest dropped the outparam, or ended, without an answer. */
  | { readonly kind: 'unanswered' };

/** One request on its way through a guest. */
export interface HttpExchange {
  /** First argument of the guest's `handle`. */
  readonly request: IncomingRequest;
  /** Second argument of the guest's `handle`. */
  readonly outparam: ResponseOutparam;
  /** Whether the guest has answered, with a response or an error. */
  readonly answered: boolean;
  /** How it ended, as soon as no more comes; null before. */
  readonly ended: HttpEnd | null;
  /** Resolves when no more comes: at the latest when the instance is closed. Never rejects. */
  readonly end: Promise<HttpEnd>;
}

type WitResponse =
  | { readonly tag: 'ok'; readonly val: OutgoingResponse }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/**
 * Makes the two resources for a guest's `handle`. `respond` is called once, when the guest sets its response, and gives the
 * sink for the body. The sink is closed at the end of the body, also of a truncated one: `end` says which it was.
 */
export function openExchange(
  context: Context,
  incoming: IncomingHttp,
  respond: (head: HttpHead) => ByteSink,
): HttpExchange {
  return new Exchange(context, incoming, respond);
}

class Exchange implements HttpExchange {
  readonly request: IncomingRequest;
  readonly outparam: ResponseOutparam;
  answered = false;
  ended: HttpEnd | null = null;
  readonly #incoming: IncomingHttp;
  readonly #respond: (head: HttpHead) => ByteSink;
  #pipe: BodyPipe | null = null;
  /** Made for who waits for it: most exchanges have ended when their guest returns. */
  #end: PromiseWithResolvers<HttpEnd> | null = null;

  constructor(context: Context, incoming: IncomingHttp, respond: (head: HttpHead) => ByteSink) {
    this.#incoming = incoming;
    this.#respond = respond;
    context.atClose(() => this.#close());
    this.request = new IncomingRequest(context, incoming);
    this.outparam = new ResponseOutparam(context, this);
  }

  get end(): Promise<HttpEnd> {
    if (this.ended !== null) return Promise.resolve(this.ended);
    this.#end ??= Promise.withResolvers();
    return this.#end.promise;
  }

  /** The guest has set its response, or an error in its place. */
  answer(response: WitResponse): void {
    if (response.tag === 'err') {
      this.answered = true;
      this.settle({ kind: 'error', code: response.val });
      return;
    }
    const set = OutgoingResponse.take(response.val);
    this.answered = true;
    this.#pipe = set.pipe;
    this.#start(set);
  }

  settle(end: HttpEnd): void {
    this.ended ??= end;
    this.#end?.resolve(this.ended);
  }

  #start(set: SetResponse): void {
    const head = this.#incoming.method === 'HEAD';
    const bodyless = head || set.status === 204 || set.status === 304;
    const error = headError(set, bodyless);
    if (error !== undefined) {
      this.settle({ kind: 'error', code: error });
      return;
    }
    const sink = this.#respond({ status: set.status, headers: set.headers });
    if (set.pipe === null) {
      sink.close();
      this.settle({ kind: 'finished', trailers: [] });
    } else {
      set.pipe.attach(sink, bodyless, (end) => this.settle(end));
    }
  }

  #close(): void {
    if (this.ended === null) {
      if (!this.answered) this.settle({ kind: 'unanswered' });
      else this.#pipe?.truncate('the guest ended before it finished the body');
    }
    // A guest that ended without reading must not leave the sender waiting.
    this.#incoming.body.close();
  }
}

function headError({ declared, pipe }: SetResponse, bodyless: boolean): HttpErrorCode | undefined {
  if (declared === undefined) return { tag: 'HTTP-protocol-error' };
  const short = pipe === null && declared !== null && declared > 0 && !bodyless;
  return short ? { tag: 'HTTP-response-body-size', val: 0n } : undefined;
}

/** `wasi:http/types`'s resource `response-outparam`. */
export class ResponseOutparam {
  readonly #context: Context;
  readonly #exchange: Exchange;
  #used = false;

  constructor(context: Context, exchange: Exchange) {
    context.retain();
    this.#context = context;
    this.#exchange = exchange;
  }

  /** `[static]response-outparam.set`. */
  static set(param: ResponseOutparam, response: WitResponse): void {
    if (param.#use()) param.#exchange.answer(response);
  }

  sendInformational(): never {
    throw { tag: 'internal-error', val: 'informational responses are not supported' } satisfies HttpErrorCode;
  }

  [DISPOSE](): void {
    if (this.#use()) this.#exchange.settle({ kind: 'unanswered' });
  }

  #use(): boolean {
    if (this.#used) return false;
    this.#used = true;
    this.#context.release();
    return true;
  }
}

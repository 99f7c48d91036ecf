import type { ByteSink } from '../backend.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { BodyEnd } from './body-pipe.ts';
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
  const { promise: end, resolve } = Promise.withResolvers<HttpEnd>();
  let truncate: ((detail: string) => void) | null = null;
  const forget = context.atClose(() => {
    if (truncate === null) resolve({ kind: 'unanswered' });
    else truncate('the guest ended before it finished the body');
  });
  // A guest that ended without reading must not leave the sender waiting.
  context.atClose(() => incoming.body.close());
  const settle = (how: HttpEnd) => {
    forget();
    resolve(how);
  };
  const answer = (response: WitResponse) => {
    if (response.tag === 'err') {
      exchange.answered = true;
      settle({ kind: 'error', code: response.val });
      return;
    }
    const set = OutgoingResponse.take(response.val);
    exchange.answered = true;
    truncate = (detail) => set.pipe?.truncate(detail);
    start(set, incoming.method === 'HEAD', respond, settle);
  };
  const exchange = {
    request: new IncomingRequest(context, incoming),
    outparam: new ResponseOutparam(context, answer, () => settle({ kind: 'unanswered' })),
    answered: false,
    end,
  };
  return exchange;
}

function start(
  set: SetResponse,
  head: boolean,
  respond: (head: HttpHead) => ByteSink,
  settle: (end: HttpEnd) => void,
): void {
  const bodyless = head || set.status === 204 || set.status === 304;
  const error = headError(set, bodyless);
  if (error !== undefined) {
    settle({ kind: 'error', code: error });
    return;
  }
  const sink = respond({ status: set.status, headers: set.headers });
  if (set.pipe === null) {
    sink.close();
    settle({ kind: 'finished', trailers: [] });
  } else {
    set.pipe.attach(sink, bodyless, settle);
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
  readonly #answer: (response: WitResponse) => void;
  readonly #abandon: () => void;
  #used = false;

  constructor(context: Context, answer: (response: WitResponse) => void, abandon: () => void) {
    context.retain();
    this.#context = context;
    this.#answer = answer;
    this.#abandon = abandon;
  }

  /** `[static]response-outparam.set`. */
  static set(param: ResponseOutparam, response: WitResponse): void {
    if (param.#use()) param.#answer(response);
  }

  sendInformational(): never {
    throw { tag: 'internal-error', val: 'informational responses are not supported' } satisfies HttpErrorCode;
  }

  [DISPOSE](): void {
    if (this.#use()) this.#abandon();
  }

  #use(): boolean {
    if (this.#used) return false;
    this.#used = true;
    this.#context.release();
    return true;
  }
}

import type { ByteSink } from '../backend.ts';
import { DISPOSE } from '../dispose.ts';
import type { BodyEnd } from './body-pipe.ts';
import type { HttpClientCall } from './client.ts';
import type { HttpErrorCode } from './error-code.ts';
import { FutureIncomingResponse } from './incoming-response.ts';
import { nameOf } from './method.ts';
import { OutgoingRequest, type SentRequest } from './outgoing-request.ts';
import { RequestOptions } from './request-options.ts';

/** `wasi:http/outgoing-handler#handle`. A guest without a client has no network: every request is denied. */
export function handleOutgoing(request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse {
  const sent = OutgoingRequest.take(request);
  const timeouts = RequestOptions.timeouts(options);
  options?.[DISPOSE]();
  const { context, pipe } = sent;
  const client = context.backend.httpClient;
  const error: HttpErrorCode | undefined = client === null ? { tag: 'HTTP-request-denied' } : requestError(sent);
  if (client === null || error !== undefined) {
    pipe?.refuse('the request was not sent');
    throw error;
  }
  const call = client.send({
    method: nameOf(sent.method),
    scheme: sent.scheme?.tag === 'HTTP' ? 'http' : 'https',
    authority: sent.authority!,
    path: sent.path === undefined || sent.path === '' ? '/' : sent.path,
    headers: sent.headers,
    body: pipe !== null,
    ...timeouts,
  });
  const keep = context.atClose(() => call.forget());
  call.settled.then(keep);
  if (pipe !== null) {
    const sink = new RequestSink(call.body);
    pipe.attach(sink, false, (end) => endBody(end, call, sink));
  }
  return new FutureIncomingResponse(context, call);
}

function requestError(sent: SentRequest): HttpErrorCode | undefined {
  if (sent.authority === undefined || sent.authority === '') return { tag: 'HTTP-request-URI-invalid' };
  if (sent.scheme?.tag === 'other') return { tag: 'HTTP-protocol-error' };
  if (sent.declared === undefined) return { tag: 'HTTP-protocol-error' };
  if (sent.pipe === null && sent.declared !== null && sent.declared > 0)
    return { tag: 'HTTP-request-body-size', val: 0n };
  return undefined;
}

function endBody(end: BodyEnd, call: HttpClientCall, sink: RequestSink): void {
  if (end.kind === 'finished') call.finish(end.trailers);
  // A server may answer without taking the whole body. When it is the guest that gave up, nothing may look complete.
  else if (!sink.refused) call.forget();
}

/** The body's way out: remembers whether it was the other side that took no more. */
export class RequestSink implements ByteSink {
  readonly #sink: ByteSink;
  refused = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  get capacity(): number {
    return this.#trying(() => this.#sink.capacity);
  }

  write(bytes: Uint8Array): void {
    this.#trying(() => this.#sink.write(bytes));
  }

  wait(): Promise<void> {
    return this.#sink.wait();
  }

  flush(): Promise<void> | undefined {
    return this.#sink.flush();
  }

  /** Said by `finish` and `forget`. */
  close(): void {}

  #trying<Result>(operation: () => Result): Result {
    try {
      return operation();
    } catch (error) {
      this.refused = true;
      throw error;
    }
  }
}

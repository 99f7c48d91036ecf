import { type Agent, type ClientRequest, type IncomingMessage, request as nodeRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { OutsideAnswer, OutsideRequest } from '../../outside-service.ts';
import { type HttpEndAnswer, type HttpHeadAnswer, MAX_FIELD_BYTES } from '../messages.ts';
import type { Lease } from './connection-pool.ts';
import { asHttpRefusal, httpRefusal } from './http-refusal.ts';
import type { HttpRequest } from './http-request.ts';
import { Patience } from './patience.ts';
import { RequestBody, type RequestBodyLimits } from './request-body.ts';
import { forwardBody, headersOf, type ResponseBodyLimits } from './response-body.ts';

/** What one exchange may take. */
export interface ExchangeLimits extends RequestBodyLimits, ResponseBodyLimits {
  /** Until the head of the answer, from when the request has been sent. */
  readonly firstByteMs: number;
}

/** Methods whose requests have no body as a rule: servers are surprised by an empty one. */
const BODYLESS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE']);
/** How long such a request waits for the word whether there is a body: guests say it right after they have sent the head. */
const BODY_WORD_MS = 50;

/** The connection was kept from before and broke before the answer began: on a new one the request may succeed. */
export class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/**
 * One request over one connection, and its answer. A redirect is an answer like any other: the guest asks for what it names, and is
 * checked anew. Rejects with an `OutsideRefusal`, or `StaleConnection` when nothing was lost.
 */
export async function exchange(
  lease: Lease,
  sent: HttpRequest,
  body: RequestBody | null,
  outside: OutsideRequest,
  limits: ExchangeLimits,
): Promise<OutsideAnswer> {
  const message = nodeRequest({
    agent: agentOf(lease.socket),
    method: sent.method,
    path: sent.path,
    headers: headOf(sent, body !== null),
    setHost: false,
    maxHeaderSize: MAX_FIELD_BYTES,
  });
  const flight = new Flight(message, lease, outside.signal);
  try {
    // A guest may want the answer before it sends the body.
    if (body !== null) message.flushHeaders();
    const upload = body === null ? endEmpty(message) : body.send(message, limits);
    let uploaded = false;
    upload.then(
      () => {
        uploaded = true;
      },
      (error: unknown) => flight.fail(error),
    );
    const response = await flight.head(upload, limits.firstByteMs);
    const value: HttpHeadAnswer = { status: response.statusCode!, headers: headersOf(response) };
    const end = forwardBody(response, outside.sink, limits).then(
      (trailers): HttpEndAnswer => {
        // The server has said all that it has to say: it does not want the rest of the body.
        if (!uploaded)
          flight.fail(httpRefusal('connection-terminated', 'the server answered before the body was complete'));
        return { trailers };
      },
      (error: unknown) => {
        flight.fail(error);
        throw asHttpRefusal(error);
      },
    );
    // Whoever asked may be gone before the end.
    end.catch(() => {}).finally(() => body?.close());
    return { value, end };
  } catch (error) {
    flight.fail(error);
    const refusal = asHttpRefusal(error);
    if (lease.reused && body === null && refusal.code === 'connection-terminated' && !outside.signal.aborted) {
      throw new StaleConnection(refusal.message, { cause: error });
    }
    throw refusal;
  }
}

/** The body that goes with a request, if any: for methods that have none as a rule, an empty one is none. */
export async function bodyToSend(sent: HttpRequest, outside: OutsideRequest): Promise<RequestBody | null> {
  if (!sent.body) {
    if ((sent.declared ?? 0) === 0) return null;
    throw httpRefusal('HTTP-request-body-size', `content-length is ${sent.declared}, but there is no body`);
  }
  const body = new RequestBody(outside.source, sent.declared);
  const rare = sent.declared === null && BODYLESS.has(sent.method);
  if (!rare || !(await body.emptyWithin(BODY_WORD_MS))) return body;
  body.close();
  return null;
}

/** Node's request, from its start to its end: if anything fails the connection is not used again, else it goes back. */
class Flight {
  readonly #message: ClientRequest;
  readonly #lease: Lease;
  readonly #response = Promise.withResolvers<IncomingMessage>();

  constructor(message: ClientRequest, lease: Lease, signal: AbortSignal) {
    this.#message = message;
    this.#lease = lease;
    this.#response.promise.catch(() => {});
    const abort = () => this.fail(httpRefusal('connection-terminated', 'the request is not wanted any more'));
    const free = () => {
      signal.removeEventListener('abort', abort);
      lease.giveBack();
    };
    let hasAnswer = false;
    message.on('response', (response: IncomingMessage) => {
      hasAnswer = true;
      this.#response.resolve(response);
    });
    message.on('upgrade', () => this.fail(httpRefusal('HTTP-upgrade-failed', 'the server changed the protocol')));
    message.on('error', (error) => this.fail(error));
    lease.socket.once('free', free);
    message.once('close', () => {
      signal.removeEventListener('abort', abort);
      // An error with its stack, which nobody would see, was a tenth of what a small exchange costs.
      if (hasAnswer) return;
      this.#response.reject(httpRefusal('connection-terminated', 'the connection ended before the answer began'));
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  }

  /** Resolves when the head of the answer has come. Time runs from when the request is complete. */
  async head(upload: Promise<void>, firstByteMs: number): Promise<IncomingMessage> {
    let answered = false;
    const patience = new Patience(() =>
      this.fail(httpRefusal('HTTP-response-timeout', `the server did not answer within ${firstByteMs} ms`)),
    );
    upload.then(
      () => answered || patience.begin(firstByteMs),
      () => {},
    );
    try {
      return await this.#response.promise;
    } finally {
      answered = true;
      patience.end();
    }
  }

  fail(error: unknown): void {
    this.#response.reject(error);
    this.#message.destroy();
    this.#lease.destroy();
  }
}

/** Node asks its agent for a connection; here it is. With `keepAlive` Node leaves the connection open and says `free` when it is done. */
function agentOf(socket: Socket): Agent {
  const agent = {
    keepAlive: true,
    protocol: 'http:',
    defaultPort: 80,
    addRequest: (message: ClientRequest) => message.onSocket(socket),
  };
  return agent as unknown as Agent;
}

function headOf(sent: HttpRequest, body: boolean): string[] {
  const head = ['Host', sent.host, ...sent.headers];
  if (body && sent.declared === null) head.push('Transfer-Encoding', 'chunked');
  else if (body) head.push('Content-Length', `${sent.declared}`);
  else if (!BODYLESS.has(sent.method)) head.push('Content-Length', '0');
  return head;
}

function endEmpty(message: ClientRequest): Promise<void> {
  return new Promise((resolve) => message.end(resolve));
}

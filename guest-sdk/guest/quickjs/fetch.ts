import handler, { type FutureIncomingResponse } from 'wasi:http/outgoing-handler@0.2.12';
import http, { type IncomingResponse, type Method } from 'wasi:http/types@0.2.12';
import { Request, type RequestInit } from '../request.ts';
import { Response } from '../response.ts';
import { untilReady } from './event-loop.ts';
import { fieldsOf, headersOf, receive, send } from './message.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 205, 304]);

/**
 * Asks a host that the function was granted. The answer is there when its head is; its body is read as it comes. Redirects are the
 * caller's to follow. Rejects with a `TypeError` whose words have the code of `wasi:http` when there is no answer.
 */
export async function fetch(target: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const request = target instanceof Request ? target : new Request(String(target), init);
  const { protocol, host, pathname, search } = new URL(request.url);
  const outgoing = new http.OutgoingRequest(fieldsOf(request.headers));
  outgoing.setMethod(methodOf(request.method));
  outgoing.setScheme({ tag: protocol === 'https:' ? 'HTTPS' : 'HTTP' });
  outgoing.setAuthority(host);
  outgoing.setPathWithQuery(`${pathname}${search}`);
  const body = outgoing.body();
  const answer = ask(request.url, () => handler.handle(outgoing, undefined));
  // Beside the answer, which may come before all is sent; what fails of it is in the log, and fails the answer.
  void send(request.body, body);
  await untilReady(answer.subscribe());
  return responseOf(ask(request.url, () => headOf(answer)));
}

/** What WASI gives; what it throws becomes the error of a `fetch`. */
function ask<T>(url: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const payload: unknown = error instanceof Error && 'payload' in error ? error.payload : error;
    throw new TypeError(`${url} gave no answer: ${codeOf(payload)}`, { cause: error });
  }
}

function codeOf(payload: unknown): string {
  const isVariant = typeof payload === 'object' && payload !== null && 'tag' in payload;
  return isVariant ? String(payload.tag) : String(payload);
}

function headOf(answer: FutureIncomingResponse): IncomingResponse {
  const got = answer.get();
  answer[Symbol.dispose]();
  if (got?.tag !== 'ok') throw new Error('the answer was taken already');
  if (got.val.tag === 'err') throw got.val.val;
  return got.val.val;
}

function responseOf(incoming: IncomingResponse): Response {
  const status = incoming.status();
  const headers = headersOf(incoming.headers());
  if (!BODILESS.has(status)) return new Response(bodyOf(incoming), { status, headers });
  incoming[Symbol.dispose]();
  return new Response(null, { status, headers });
}

/** The body; the answer is let go with it, because a function may hold only so many. */
async function* bodyOf(incoming: IncomingResponse): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of receive(incoming)) yield piece;
  } finally {
    incoming[Symbol.dispose]();
  }
}

function methodOf(name: string): Method {
  const upper = name.toUpperCase();
  return METHODS.has(upper) ? { tag: upper.toLowerCase() as 'get' } : { tag: 'other', val: name };
}

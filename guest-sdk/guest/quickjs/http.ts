import http, { type IncomingRequest, type ResponseOutparam } from 'wasi:http/types@0.2.12';
import { type HttpFunction, respond } from '../http-function.ts';
import { Request } from '../request.ts';
import { Response } from '../response.ts';
import { runToEnd } from './event-loop.ts';
import { fieldsOf, headersOf, receive, send } from './message.ts';

/** The export `wasi:http/incoming-handler` for a function. */
export function incomingHandler(app: HttpFunction) {
  return {
    handle(request: IncomingRequest, out: ResponseOutparam): void {
      runToEnd(() => serve(app, request, out));
    },
  };
}

async function serve(app: HttpFunction, incoming: IncomingRequest, out: ResponseOutparam): Promise<void> {
  const response = await respond(app, requestOf(incoming), (error) => console.error(error), Response);
  const head = new http.OutgoingResponse(fieldsOf(response.headers));
  head.setStatusCode(response.status);
  const body = head.body();
  http.ResponseOutparam.set(out, { tag: 'ok', val: head });
  await send(response.body, body);
}

function requestOf(incoming: IncomingRequest): Request {
  const method = incoming.method();
  const headers = headersOf(incoming.headers());
  const scheme = incoming.scheme()?.tag === 'HTTPS' ? 'https' : 'http';
  const authority = incoming.authority() ?? headers.find(([name]) => name === 'host')?.[1] ?? 'localhost';
  return new Request(`${scheme}://${authority}${incoming.pathWithQuery() ?? '/'}`, {
    method: method.tag === 'other' ? method.val : method.tag.toUpperCase(),
    headers,
    body: receive(incoming),
  });
}

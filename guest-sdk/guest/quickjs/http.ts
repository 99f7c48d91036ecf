import http, { type IncomingRequest, type OutgoingBody, type ResponseOutparam } from 'wasi:http/types@0.2.12';
import type { InputStream, OutputStream } from 'wasi:io/streams@0.2.12';
import type { BodySource } from '../body.ts';
import { type HttpFunction, respond } from '../http-function.ts';
import { Request } from '../request.ts';
import { Response } from '../response.ts';
import { runToEnd, untilReady } from './event-loop.ts';

/** Largest piece of a body that is asked for at once: what a body needs of the function's memory. */
const READ_BYTES = 64 * 1024;

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
  const head = new http.OutgoingResponse(
    http.Fields.fromList([...response.headers].map(([name, value]) => [name, new TextEncoder().encode(value)])),
  );
  head.setStatusCode(response.status);
  const body = head.body();
  http.ResponseOutparam.set(out, { tag: 'ok', val: head });
  await send(response.body, body);
}

function requestOf(incoming: IncomingRequest): Request {
  const method = incoming.method();
  const fields = incoming.headers();
  const headers = fields
    .entries()
    .map(([name, value]): [string, string] => [name, new TextDecoder().decode(bytesOf(value))]);
  fields[Symbol.dispose]();
  const scheme = incoming.scheme()?.tag === 'HTTPS' ? 'https' : 'http';
  const authority = incoming.authority() ?? headers.find(([name]) => name === 'host')?.[1] ?? 'localhost';
  return new Request(`${scheme}://${authority}${incoming.pathWithQuery() ?? '/'}`, {
    method: method.tag === 'other' ? method.val : method.tag.toUpperCase(),
    headers,
    body: receive(incoming),
  });
}

/** The body of a request, piece by piece as it arrives. */
async function* receive(incoming: IncomingRequest): AsyncGenerator<Uint8Array> {
  const body = incoming.consume();
  const stream = body.stream();
  try {
    for (;;) {
      const piece = read(stream);
      if (piece === null) break;
      if (piece.length > 0) yield piece;
      else await untilReady(stream.subscribe());
    }
  } finally {
    stream[Symbol.dispose]();
    http.IncomingBody.finish(body)[Symbol.dispose]();
  }
}

/** What has arrived, perhaps nothing, or null at the end. */
function read(stream: InputStream): Uint8Array | null {
  try {
    return bytesOf(stream.read(READ_BYTES));
  } catch (error) {
    if (isClosed(error)) return null;
    throw new Error('the body of the request broke off', { cause: error });
  }
}

/** Sends a body; one that fails half-way is left unfinished, so that the caller learns that it is not whole. */
async function send(source: BodySource | null, body: OutgoingBody): Promise<void> {
  const stream = body.write();
  let whole = false;
  try {
    if (source !== null) for await (const piece of source) await write(stream, piece);
    await flush(stream);
    whole = true;
  } catch (error) {
    // The caller has left: nobody is there to be told.
    if (!isClosed(error)) console.error(error);
  } finally {
    stream[Symbol.dispose]();
    if (whole) http.OutgoingBody.finish(body, null);
    else body[Symbol.dispose]();
  }
}

async function write(stream: OutputStream, piece: Uint8Array): Promise<void> {
  if (!(piece instanceof Uint8Array)) throw new TypeError('a body gives its bytes as Uint8Array');
  for (let at = 0; at < piece.length; ) {
    const room = Number(stream.checkWrite());
    if (room === 0) {
      await untilReady(stream.subscribe());
      continue;
    }
    stream.write(piece.subarray(at, at + room));
    at += room;
  }
}

async function flush(stream: OutputStream): Promise<void> {
  stream.flush();
  while (Number(stream.checkWrite()) === 0) await untilReady(stream.subscribe());
}

function bytesOf(list: Uint8Array | readonly number[]): Uint8Array {
  return list instanceof Uint8Array ? list : Uint8Array.from(list);
}

/** Whether a failed operation says that the other end is gone; the engine wraps the WIT error in an `Error`. */
function isClosed(error: unknown): boolean {
  const payload: unknown = error instanceof Error && 'payload' in error ? error.payload : null;
  return typeof payload === 'object' && payload !== null && 'tag' in payload && payload.tag === 'closed';
}

import http, { type Fields, type IncomingRequest, type OutgoingBody } from 'wasi:http/types@0.2.12';
import type { InputStream, OutputStream } from 'wasi:io/streams@0.2.12';
import type { BodySource } from '../body.ts';
import type { Headers } from '../headers.ts';
import { untilReady } from './event-loop.ts';

/** Largest piece of a body that is asked for at once: what a body needs of the function's memory. */
const READ_BYTES = 64 * 1024;

/** Headers as WASI takes them. */
export function fieldsOf(headers: Headers): Fields {
  return http.Fields.fromList([...headers].map(([name, value]) => [name, new TextEncoder().encode(value)]));
}

/** Headers as they came; the fields are let go. */
export function headersOf(fields: Fields): [string, string][] {
  const headers = fields
    .entries()
    .map(([name, value]): [string, string] => [name, new TextDecoder().decode(bytesOf(value))]);
  fields[Symbol.dispose]();
  return headers;
}

/** The body of a message, piece by piece as it arrives. */
export async function* receive(incoming: Pick<IncomingRequest, 'consume'>): AsyncGenerator<Uint8Array> {
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
    throw new Error('the body broke off', { cause: error });
  }
}

/** Sends a body; one that fails half-way is left unfinished, so that whoever reads it learns that it is not whole. */
export async function send(source: BodySource | null, body: OutgoingBody): Promise<void> {
  const stream = body.write();
  let whole = false;
  try {
    if (source !== null) for await (const piece of source) await write(stream, piece);
    await flush(stream);
    whole = true;
  } catch (error) {
    // The reader has left: nobody is there to be told.
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

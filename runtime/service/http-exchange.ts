import type { ClientRequest, IncomingMessage } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { requestOver } from './over-connection.ts';
import type { VmConnections } from './vm-connections.ts';

/** A header field: its name in lower case, and its bytes. */
export type HeaderField = readonly [name: string, value: Uint8Array];

/** A request of HTTP for a server in a VM. Its fields are without those of the connection; `Host` is the server's own. */
export interface ServiceRequest {
  readonly method: string;
  /** With its query; begins with `/`. */
  readonly path: string;
  readonly headers: readonly HeaderField[];
  /** Null: there is none. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Length of the body, when its sender said it. */
  readonly contentLength?: number | undefined;
  /** Whether the caller asks for a WebSocket. */
  readonly webSocket?: boolean;
}

/** The head of a server's answer, and what comes after. */
export interface ServiceAnswer {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /** Leaving it ends the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The connection, when the server has agreed to a WebSocket (status 101); there is no body then. */
  readonly tunnel: Duplex | null;
  /** Settles when the exchange is over, however it went. Never rejects. */
  readonly over: Promise<void>;
}

/** Methods that may be sent again when a kept connection turns out to be closed. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * One request to a server and its answer, which resolves with its head. Rejects with `machine-failed` when the server breaks the
 * connection before it, `guest-response-invalid` when what it sends is no HTTP, `deadline-exceeded` when no bytes pass for too long; later that breaks
 * the body.
 */
export async function exchange(
  connections: VmConnections,
  request: ServiceRequest & { readonly host: string },
  signal?: AbortSignal,
): Promise<ServiceAnswer> {
  // Only what can be sent again goes over a connection that the server may be closing just now.
  const isRepeatable = request.body === null && REPEATABLE.has(request.method) && request.webSocket !== true;
  const kept = isRepeatable ? connections.takeIdle() : null;
  if (kept !== null) {
    try {
      return await once(connections, kept, request, signal);
    } catch (error) {
      if (signal?.aborted || !(error instanceof CloudletError) || error.code !== 'machine-failed') throw error;
    }
  }
  const connection = await connections.open(signal).catch((error: unknown) => {
    throw signal?.aborted ? asClosed(signal) : error;
  });
  return once(connections, connection, request, signal);
}

async function once(
  connections: VmConnections,
  connection: Duplex,
  request: ServiceRequest & { readonly host: string },
  signal: AbortSignal | undefined,
): Promise<ServiceAnswer> {
  const { method, path } = request;
  const message = requestOver(connection, { method, path, headers: headOf(request) });
  const leave = (): void => void connection.destroy();
  const kept = (): void => connections.keep(connection);
  let stalled: CloudletError | null = null;
  const watch = connections.watch((error) => {
    stalled = error;
    connection.destroy(error);
  });
  connection.on('data', watch.passed);
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted) leave();
  connection.once('free', kept);
  const over = new Promise<void>((resolve) => {
    const end = (): void => {
      watch.end();
      connection.off('data', watch.passed);
      message.off('close', end);
      connection.off('close', end);
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    message.once('close', end);
    connection.once('close', end);
  });
  try {
    const { response, tunnel, head } = await answered(message, request, watch.passed);
    const headers = fieldsOf(response);
    if (tunnel === null) return { status: response.statusCode!, headers, body: response, tunnel, over };
    // A WebSocket may be quiet for as long as the VM is there.
    watch.end();
    connection.off('data', watch.passed);
    if (head.length > 0) tunnel.unshift(head);
    const closed = new Promise<void>((resolve) => tunnel.once('close', resolve));
    return { status: 101, headers, body: nothing(), tunnel, over: closed };
  } catch (error) {
    connection.destroy();
    if (signal?.aborted) throw asClosed(signal);
    throw stalled ?? error;
  }
}

interface Answered {
  readonly response: IncomingMessage;
  readonly tunnel: Duplex | null;
  readonly head: Uint8Array;
}

function answered(
  message: ClientRequest,
  { body, webSocket = false }: ServiceRequest,
  passed: () => void,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    // Node breaks the connection when the body cannot be read, and tells of that alone.
    let unread: CloudletError | null = null;
    message.on('response', (response) => {
      // The server wants no more of a body that is still being sent when its answer is complete.
      response.once('end', () => message.writableFinished || message.destroy());
      resolve({ response, tunnel: null, head: NO_BYTES });
    });
    message.on('upgrade', (response, tunnel, head) => {
      if (webSocket) return resolve({ response, tunnel, head });
      tunnel.destroy();
      reject(new CloudletError('guest-response-invalid', 'expected an answer of the server, got another protocol'));
    });
    message.on('error', (error: NodeJS.ErrnoException) => reject(unread ?? broken(error)));
    message.on('close', () => reject(unread ?? broken(new Error('it closed the connection'))));
    if (body === null) return void message.end();
    // A server may answer before it has read the body: the head leaves at once.
    message.flushHeaders();
    const told = (error: CloudletError): void => {
      unread = error;
    };
    pipeline(watched(body, told, passed), message, () => undefined);
  });
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  failed: (error: CloudletError) => void,
  passed: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of body) {
      passed();
      yield bytes;
    }
  } catch (error) {
    if (error instanceof CloudletError) failed(error);
    throw error;
  }
}

const NO_BYTES = new Uint8Array(0);

async function* nothing(): AsyncGenerator<Uint8Array> {}

function broken(error: NodeJS.ErrnoException): CloudletError {
  if (error.code?.startsWith('HPE_')) {
    return new CloudletError(
      'guest-response-invalid',
      `expected HTTP of the server, got something else (${error.code})`,
      {
        cause: error,
      },
    );
  }
  return new CloudletError('machine-failed', `the server broke the connection before it answered: ${error.message}`, {
    cause: error,
  });
}

function asClosed(signal: AbortSignal): CloudletError {
  return signal.reason instanceof CloudletError
    ? signal.reason
    : new CloudletError('client-closed', 'the caller left before the answer began');
}

const SET_HERE: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding']);

/** Node's flat list. A body of unknown length is framed whatever the method: else its bytes would be another request. */
function headOf({
  host,
  headers,
  body,
  contentLength,
  webSocket = false,
}: ServiceRequest & { host: string }): string[] {
  const fields = ['host', host];
  for (const [name, value] of headers) if (!SET_HERE.has(name)) fields.push(name, latin1(value));
  if (webSocket) fields.push('connection', 'Upgrade', 'upgrade', 'websocket');
  else fields.push('connection', 'keep-alive');
  if (body !== null && contentLength === undefined) fields.push('transfer-encoding', 'chunked');
  else if (body !== null || contentLength !== undefined) fields.push('content-length', String(contentLength ?? 0));
  return fields;
}

function fieldsOf({ rawHeaders }: IncomingMessage): HeaderField[] {
  return Array.from(
    { length: rawHeaders.length / 2 },
    (_, at): HeaderField => [rawHeaders[2 * at]!.toLowerCase(), Buffer.from(rawHeaders[2 * at + 1]!, 'latin1')],
  );
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

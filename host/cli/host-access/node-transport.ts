import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import type { Transport, TransportRequest, TransportResponse } from '../../../guest-sdk/client/index.ts';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

/** Sends requests with Node's own client: unlike `fetch` it shows trailers, which carry a command's exit status. */
export const nodeTransport: Transport = async (request) => {
  request.signal?.throwIfAborted();
  const { origin, protocol } = new URL(request.url);
  const send = protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  return new Promise((resolve, reject) => {
    const { method, headers, signal } = request;
    // Saying that we see trailers lets a command's output come as it is written, with its exit status behind it.
    const outgoing = send(request.url, {
      method,
      headers: { te: 'trailers', ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    let answered = false;
    outgoing.on('response', (incoming) => {
      answered = true;
      resolve(answerOf(incoming, outgoing, request, origin));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // After the head, what breaks is told by the body; a host that refuses early also stops reading what we send.
      if (!answered) reject(signal?.aborted ? signal.reason : unreachable(origin, error));
    });
    sendBody(outgoing, request.body, (error) => {
      if (!answered) reject(signal?.aborted ? signal.reason : error);
    });
  });
};

function sendBody(outgoing: ClientRequest, body: TransportRequest['body'], failed: (error: Error) => void): void {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  // Node sends an empty body of unknown length as none at all otherwise.
  if (!outgoing.hasHeader('content-length')) outgoing.setHeader('transfer-encoding', 'chunked');
  // The answer may not need the body: a command that reads no stdin runs while nobody has typed anything.
  outgoing.flushHeaders();
  pipeline(body, outgoing, (error) => {
    // The request's own errors have been told; this is for a source that cannot be read.
    if (error != null && !isConnectionError(error)) failed(error);
  });
}

function answerOf(
  incoming: IncomingMessage,
  outgoing: ClientRequest,
  { signal }: TransportRequest,
  origin: string,
): TransportResponse {
  return {
    status: incoming.statusCode ?? 0,
    header: (name) => headerOf(incoming.headers[name]),
    trailer: (name) => headerOf(incoming.trailers[name]),
    body: {
      async *[Symbol.asyncIterator]() {
        try {
          yield* incoming as AsyncIterable<Uint8Array>;
        } catch (error) {
          signal?.throwIfAborted();
          throw new CloudletError(
            'network-unavailable',
            `the connection to ${origin} broke before the answer was complete; what came is not all of it`,
            { cause: error },
          );
        } finally {
          // The answer is what was asked for: a body that is still being sent has no more use.
          if (!outgoing.writableFinished) outgoing.destroy();
        }
      },
    },
  };
}

function headerOf(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ABORT_ERR',
]);

function isConnectionError(error: NodeJS.ErrnoException): boolean {
  return CONNECTION_ERRORS.has(error.code ?? '');
}

function unreachable(origin: string, error: NodeJS.ErrnoException): CloudletError {
  const code = error.code ?? error.message;
  const sentence =
    code === 'ECONNREFUSED'
      ? `no cloudlet answers at ${origin}; start one with: npx cloudlet serve`
      : `no cloudlet can be reached at ${origin} (${code}); check the address, or look for one with: npx cloudlet discover`;
  return new CloudletError('network-unavailable', sentence, { cause: error });
}

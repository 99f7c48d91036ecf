import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';
import { problemHeaders, problemOf } from '../problem.ts';

/** What Node's parser says of bytes that it cannot read. */
type ParserError = NodeJS.ErrnoException & { readonly reason?: string };

/** Requests that are not HTTP never reach the app; they are answered here, on the bare socket, which is closed then. */
export function answerOnSocket(problem: CloudletError, socket: Socket, pending: readonly ServerResponse[]): void {
  // An answer that has begun must not get a second one behind or into it.
  if (!socket.writable || pending.some((outgoing) => outgoing.headersSent)) {
    socket.destroy();
    return;
  }
  const { headers, body } = message(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.traits.status} ${problem.traits.title}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}

/** Answers a request whose head is HTTP, but asks for what nothing here does; its body is not read. */
export function answerRefused(problem: CloudletError, outgoing: ServerResponse): void {
  const { headers, body } = message(problem);
  outgoing.writeHead(problem.traits.status, headers).end(body);
}

/** What a parser's error says to the sender: in words of HTTP, and whether it was the body that broke. */
export function brokenRequest(error: ParserError, inBody: boolean, maxHeaderBytes: number): CloudletError {
  const [code, sentence] = ((): [ErrorCode, string] => {
    if (error.code === 'HPE_HEADER_OVERFLOW')
      return ['headers-too-large', `expected at most ${maxHeaderBytes} bytes of header, got more`];
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      return ['request-timeout', 'expected the whole header in time; send it at once'];
    // The parser's own words are a few fixed ones; none of the sender's bytes are in them.
    const why = error.reason === undefined ? '' : ` (${error.reason})`;
    if (inBody)
      return [
        'body-truncated',
        `expected the whole body that was announced, got its end before, or bytes that are no body${why}`,
      ];
    return ['request-invalid', `expected a request in HTTP/1.1, got something else${why}`];
  })();
  return new CloudletError(code, sentence, { cause: error });
}

/** The refusal of CONNECT, which Node hands over beside all other requests. */
export function noProxy(): CloudletError {
  return new CloudletError('method-not-allowed', 'expected a request to this cloudlet, got CONNECT; it is no proxy');
}

/** Why a request's head asks for what is not done here, or null. */
export function refusedHead(headers: IncomingHttpHeaders): CloudletError | null {
  const { expect, 'transfer-encoding': coding } = headers;
  if (expect !== undefined && !/^100-continue$/i.test(expect)) return refused('Expect', '100-continue', expect);
  // What else it names has been done to the body, and its reader, who is not shown this header, would take it for the body.
  if (coding !== undefined && !/^chunked$/i.test(coding)) return refused('Transfer-Encoding', 'chunked', coding);
  return null;
}

function refused(field: string, expected: string, got: string): CloudletError {
  const sentence = `expected ${field} to be ${expected}, or none, got ${JSON.stringify(got.slice(0, 60))}`;
  return new CloudletError('request-invalid', sentence);
}

function message(problem: CloudletError): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(problemOf(problem, '/'));
  const length = String(Buffer.byteLength(body));
  return { headers: { ...problemHeaders(problem), connection: 'close', 'content-length': length }, body };
}

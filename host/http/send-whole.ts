import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { BegunAnswer } from './answer.ts';
import { latin1 } from './guest-headers.ts';
import { headerLines, type WholeAnswer } from './whole-answer.ts';

/** Silence on a connection between two requests, milliseconds. */
export const KEEP_ALIVE_MS = 30_000;

/** Longest body that leaves with its head in one write, bytes. */
const SHORT_BYTES = 4 * 1024;

/** Sends an answer by Node. */
export function sendByNode(
  outgoing: ServerResponse,
  { status }: BegunAnswer,
  { header, body, hasLength }: WholeAnswer,
): void {
  // As Hono's adapter does it: Node then writes the length where it has always been, behind the fields.
  if (!hasLength) (outgoing as { _contentLength?: number })._contentLength = body.length;
  outgoing.writeHead(status, header as string[]);
  if (body.length > SHORT_BYTES) outgoing.end(body);
  // One character for each byte, as in the head.
  else outgoing.end(latin1(body), 'latin1');
}

/** Sends it on a connection that Node does not read, in the bytes that Node would send. */
export function sendOnSocket(socket: Socket, { status }: BegunAnswer, whole: WholeAnswer): void {
  const { body, common, hasLength } = whole;
  const date = common.isDated ? '' : `Date: ${dateNow()}\r\n`;
  const length = hasLength ? '' : `Content-Length: ${body.length}\r\n`;
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n${headerLines(whole)}${date}` +
    `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1000}\r\n${length}\r\n`;
  // One character for each byte, in head and body.
  if (body.length <= SHORT_BYTES) {
    socket.write(head + latin1(body), 'latin1');
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  socket.write(body);
  socket.uncork();
}

let dateAt = 0;
let date = '';

/** The time as HTTP writes it, which is the same for a second. */
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateAt) {
    dateAt = second;
    date = new Date(second * 1000).toUTCString();
  }
  return date;
}

import type { Duplex } from 'node:stream';
import { NetworkFailure } from '../outside/network/network-failure.ts';

/** Why a proxy does not do what it was asked: a status of HTTP, and a sentence for whoever asked. */
export interface ProxyRefusal {
  readonly status: number;
  readonly message: string;
}

class Refusal extends Error implements ProxyRefusal {
  override readonly name = 'ProxyRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A refusal that can be thrown. */
export function proxyRefusal(status: number, message: string): ProxyRefusal & Error {
  return new Refusal(status, message);
}

/** What a proxy says of a failure; `what` is where the request was to go. */
export function explain(error: unknown, what: string): ProxyRefusal {
  if (error instanceof Refusal) return { status: error.status, message: `${what}: ${error.message}` };
  if (!(error instanceof NetworkFailure)) return { status: 502, message: `${what}: the server broke the connection` };
  switch (error.kind) {
    case 'prohibited':
      return { status: 403, message: `${what}: ${error.message}` };
    case 'timeout':
      return { status: 504, message: `${what}: no connection in time` };
    case 'limit':
      return { status: 503, message: `${what}: ${error.message}` };
    case 'name-unknown':
    case 'resolver-failed':
      return { status: 502, message: `${what}: the name has no address (${error.message})` };
    default:
      return { status: 502, message: `${what}: no connection (${error.message})` };
  }
}

/** The parts of `http://host/path`; throws a refusal for anything else. */
export function absoluteForm(target: string): { readonly authority: string; readonly path: string } {
  const match = /^http:\/\/([^/?#]+)([/?][^#]*)?$/i.exec(target);
  if (match === null) throw proxyRefusal(400, 'expected an address such as http://host/path, or CONNECT host:443');
  const [, authority, rest = '/'] = match;
  return { authority: authority!, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** Where a request was to go, for a log; without its path, which may hold input. */
export function destinationText(url = ''): string {
  return JSON.stringify(url.replace(/^(https?:\/\/[^/?#]*).*$/is, '$1').slice(0, 260));
}

/** How long whoever was refused may take to close its side, milliseconds. */
const LEAVE_MS = 1_000;

/** Answers on a bare connection, and ends it. What still comes is read: else the answer could be lost with it. */
export function refuseOn(connection: Duplex, { status, message }: ProxyRefusal): void {
  if (!connection.writable) return void connection.destroy();
  const bytes = Buffer.byteLength(message) + 1;
  const head = ['content-type: text/plain; charset=utf-8', `content-length: ${bytes}`, 'connection: close'];
  const leave = setTimeout(() => connection.destroy(), LEAVE_MS).unref();
  connection.once('close', () => clearTimeout(leave));
  connection.once('end', () => connection.destroy());
  connection.resume();
  connection.end(`HTTP/1.1 ${status} Refused\r\n${head.join('\r\n')}\r\n\r\n${message}\n`);
}

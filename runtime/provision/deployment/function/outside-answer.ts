import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { Dialer } from '../../../outside/network/dialer.ts';
import {
  DEFAULT_PORTS,
  type Destination,
  parseDestination,
  type Scheme,
} from '../../../outside/network/host-pattern.ts';
import { secure } from '../../../outside/network/http/secure.ts';
import { asNetworkFailure } from '../../../outside/network/network-failure.ts';
import { abortError } from '../../../store/index.ts';

/** How long a server may take to be reached, to answer, and between two pieces, milliseconds. */
const SILENCE_MS = 30_000;

/** What is asked of a server outside. */
export interface OutsideRequest {
  readonly method: 'GET' | 'HEAD';
  readonly fields: Readonly<Record<string, string>>;
}

/** The head of an answer; its body is still to come. */
export interface OutsideAnswer {
  readonly response: IncomingMessage;
  /** Lets go of the connection. Idempotent. */
  close(): void;
}

/** Where an address leads; `network-unavailable` for one that is not of HTTP. */
export function destinationOf(url: URL): { readonly destination: Destination; readonly scheme: Scheme } {
  const scheme = url.protocol === 'https:' ? 'https' : url.protocol === 'http:' ? 'http' : null;
  const destination = scheme === null ? null : parseDestination(url.host, scheme);
  if (scheme === null || destination === null) throw unavailable(url, 'an address of http or https');
  return { destination, scheme };
}

/** Asks a server that may be asked, at an address that the dialer allows; `network-unavailable` says why not. */
export async function answerFrom(
  url: URL,
  asked: OutsideRequest,
  dialer: Pick<Dialer, 'dial'>,
  signal: AbortSignal,
): Promise<OutsideAnswer> {
  const { destination, scheme } = destinationOf(url);
  try {
    const plain = await dialer.dial(destination.host, destination.port, SILENCE_MS, signal);
    const socket = scheme === 'http' ? plain : await secure(plain, destination.host, null, signal);
    const close = () => void socket.destroy();
    try {
      return { response: await head(url, asked, socket, destination.port === DEFAULT_PORTS[scheme], signal), close };
    } catch (error) {
      close();
      throw error;
    }
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (error instanceof CloudletError) throw error;
    throw unavailable(url, `an answer (${asNetworkFailure(error).message})`, error);
  }
}

function head(
  url: URL,
  { method, fields }: OutsideRequest,
  socket: Socket,
  isUsualPort: boolean,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    agent.createConnection = () => socket;
    const sent = request({
      agent,
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: isUsualPort ? url.hostname : url.host,
        accept: '*/*',
        'accept-encoding': 'identity',
        ...fields,
      },
      setHost: false,
      timeout: SILENCE_MS,
      signal,
    });
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`nothing came for ${SILENCE_MS / 1000} s`)));
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end();
  });
}

/** The pieces of a body; one that breaks off is `network-unavailable`. */
export async function* bytesOf(response: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw unavailable(url, `all of it (${asNetworkFailure(error).message})`, error);
  }
}

/** What a server outside did not do. */
export function unavailable(url: URL, expected: string, cause?: unknown): CloudletError {
  return new CloudletError('network-unavailable', `${url.origin}${url.pathname}: expected ${expected}`, { cause });
}

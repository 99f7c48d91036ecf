import type { OutsideRequest, OutsideService } from '../../outside-service.ts';
import { hostPatterns } from '../host-pattern.ts';
import type { ConnectionPool, Peer } from './connection-pool.ts';
import { bodyToSend, type ExchangeLimits, exchange, StaleConnection } from './http-exchange.ts';
import { asHttpRefusal, httpRefusal } from './http-refusal.ts';
import { type HttpRequest, parseHttpRequest } from './http-request.ts';
import type { RequestBody } from './request-body.ts';

/** What requests of one function may take. A guest may ask for less time, never for more. */
export interface HttpLimits extends ExchangeLimits {
  /** Until there is a connection: a free place, the name's address, the handshakes. */
  readonly connectMs: number;
}

/** Limits that fit ordinary programs. */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  connectMs: 10_000,
  firstByteMs: 60_000,
  betweenBytesMs: 60_000,
  requestBodyBytes: 1024 * 1024 * 1024,
  responseBodyBytes: 1024 * 1024 * 1024,
};

/** The service `http.send`: one request to one of the allowed hosts, and its answer. */
export function httpSend(allowedHosts: readonly string[], pool: ConnectionPool, limits: HttpLimits): OutsideService {
  const named = hostPatterns(allowedHosts);
  return async (outside) => {
    const sent = parseHttpRequest(outside.args);
    if (!named(sent.destination, sent.scheme)) {
      throw httpRefusal(
        'HTTP-request-denied',
        `the function was not granted requests to ${sent.scheme}://${sent.host}; run npx cloudlet trace --learn --allow-net -- …, or add it to "http" in cloudlet.json (the cloudlet's policy may allow fewer)`,
      );
    }
    const body = await bodyToSend(sent, outside);
    try {
      return await overConnection(sent, body, outside, pool, limits, false);
    } catch (error) {
      // What the server may do twice without harm is sent once more.
      if (!(error instanceof StaleConnection) || !IDEMPOTENT.has(sent.method)) throw told(error);
    }
    return overConnection(sent, null, outside, pool, limits, true).catch((error: unknown) => {
      throw told(error);
    });
  };
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

function told(error: unknown): Error {
  if (!(error instanceof StaleConnection)) return asHttpRefusal(error);
  return httpRefusal('connection-terminated', 'the server closed the connection');
}

async function overConnection(
  sent: HttpRequest,
  body: RequestBody | null,
  outside: OutsideRequest,
  pool: ConnectionPool,
  limits: HttpLimits,
  fresh: boolean,
) {
  const peer: Peer = { ...sent.destination, scheme: sent.scheme };
  const lease = await pool.acquire(peer, least(sent.connectMs, limits.connectMs), outside.signal, fresh);
  return exchange(lease, sent, body, outside, {
    ...limits,
    firstByteMs: least(sent.firstByteMs, limits.firstByteMs),
    betweenBytesMs: least(sent.betweenBytesMs, limits.betweenBytesMs),
  });
}

function least(asked: number | null, limit: number): number {
  return Math.min(asked ?? limit, limit);
}

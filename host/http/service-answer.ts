import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { joinStreams, type ServiceReply } from '../../runtime/index.ts';
import { type HostContext, setBeside } from './connection.ts';
import { GUEST_CONTENT_POLICY, headersFromGuest } from './guest-headers.ts';
import { streamedBody } from './streamed-body.ts';
import { takeSocket } from './web-socket.ts';

/** Statuses whose answers have no body (RFC 9110), and of these the ones that may not tell of a length either. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);
const LENGTHLESS: ReadonlySet<number> = new Set([204, 205]);

/** What answers of a service are sent with. */
export interface ServiceAnswerOptions {
  readonly name: string;
  /** Told which headers the server may not set on an origin that it shares with the cloudlet. */
  readonly onWithheld: (names: readonly string[]) => void;
}

/** The answer of a service's server, streamed, or the caller's connection joined with the server's. */
export function serviceAnswer(
  c: Context<HostContext>,
  reply: ServiceReply,
  { name, onWithheld }: ServiceAnswerOptions,
): Response {
  const { status, body, tunnel, vm, via, startMs } = reply;
  const { fields, contentLength, stripped } = headersFromGuest(reply.headers);
  if (stripped.length > 0) onWithheld(stripped);
  const own = {
    'cloudlet-service-vm': vm.id,
    'server-timing': `start;dur=${Math.round(startMs * 1000) / 1000};desc="${via}"`,
  };
  if (tunnel !== null) {
    const head = [...fields, ...Object.entries(own)].map(
      ([field, value]) => [field, Buffer.from(value, 'latin1')] as const,
    );
    joinStreams(takeSocket(c, head), tunnel, reply.passed);
    return RESPONSE_ALREADY_SENT;
  }
  if (status < 200 || status > 599) {
    void leave(body);
    throw new CloudletError(
      'guest-response-invalid',
      `expected an http status from 200 to 599 from the server, got ${status}`,
    );
  }
  const headers = new Headers({
    ...own,
    'content-security-policy': GUEST_CONTENT_POLICY,
    'x-content-type-options': 'nosniff',
  });
  for (const [field, value] of fields) {
    if (!setBeside(c, field, value)) headers.append(field, field === 'location' ? below(name, value) : value);
  }
  if (!headers.has('content-type')) headers.set('content-type', 'application/octet-stream');
  if (c.req.method !== 'HEAD' && !BODILESS.has(status)) {
    return new Response(streamedBody(c, body[Symbol.asyncIterator](), contentLength), { status, headers });
  }
  void drain(body);
  // After a 205 with a length its receiver would take the next answer on the connection for the body.
  if (LENGTHLESS.has(status)) headers.delete('content-length');
  return new Response(null, { status, headers });
}

/** Where a server sends its caller, as the caller reaches it: the server knows of no prefix. */
function below(name: string, location: string): string {
  return location.startsWith('/') && !location.startsWith('//') ? `/s/${name}${location}` : location;
}

/** Lets go of an answer that nobody reads. */
async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

/** Reads what is there of a body that has no place, so that its connection can be used again. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) if (chunk.length > 0) return;
  } catch {
    // The answer has been sent without it; that its connection broke is nobody's concern.
  }
}

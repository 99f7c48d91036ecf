import { randomFill } from 'node:crypto';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { CloudletError, MAX_LINK_BYTES, SwallowedBytes } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { requestBody, UPLOAD_IDLE_MS } from '../http/request-body.ts';
import { streamedBody } from '../http/streamed-body.ts';
import { describe } from '../openapi.ts';

/** Bytes when the device does not say how many: some seconds on a slow link. */
const USUAL_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

const fill = promisify(randomFill as (bytes: Uint8Array, done: (error: Error | null) => void) => void);

/** What a device measures its link with: bytes that nothing compresses, and a place that takes them. */
export function linkRoutes(): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.get(
    '/v1/link',
    describe({
      summary: 'Random bytes, to measure how fast they come',
      tag: 'cloudlet',
      parameters: [{ in: 'query', name: 'bytes', description: 'At most 64 MiB; 1 MiB when left out' }],
      answers: { 200: { description: 'So many bytes', types: ['application/octet-stream'] } },
    }),
    (c) => {
      const bytes = parseBytes(c.req.query('bytes'));
      return c.body(streamedBody(c, randomPieces(bytes), bytes), 200, {
        'content-type': 'application/octet-stream',
        'content-length': String(bytes),
        'cache-control': 'no-store',
      });
    },
  );
  routes.post(
    '/v1/link',
    describe({
      summary: 'Takes bytes and forgets them, to measure how fast they go',
      tag: 'cloudlet',
      body: { description: 'At most 64 MiB', types: ['application/octet-stream'] },
      answers: { 200: { description: 'How many came, and how long they took', schema: SwallowedBytes } },
      errors: ['body-too-large', 'body-truncated', 'request-timeout'],
    }),
    async (c) => {
      let bytes = 0;
      let firstAt = performance.now();
      for await (const { length } of requestBody(c, { maxBytes: MAX_LINK_BYTES, idleMs: UPLOAD_IDLE_MS })) {
        if (bytes === 0) firstAt = performance.now();
        bytes += length;
      }
      return c.json({ bytes, ms: performance.now() - firstAt });
    },
  );
  return routes;
}

async function* randomPieces(total: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = total; left > 0; left -= PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(left, PIECE_BYTES));
    await fill(piece);
    yield piece;
  }
}

function parseBytes(text: string | undefined): number {
  if (text === undefined) return USUAL_BYTES;
  const bytes = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (bytes >= 1 && bytes <= MAX_LINK_BYTES) return bytes;
  throw new CloudletError(
    'request-invalid',
    `expected bytes=N with N from 1 to ${MAX_LINK_BYTES}, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

import { Hono } from 'hono';
import { CloudletError, parseDigest, parseName, ReceivedFile } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { contentDigest } from '../http/content-digest.ts';
import { attachment, fileAnswer } from '../http/file-answer.ts';
import { requireMediaType } from '../http/media-type.ts';
import { declaredLength, refuseEncodedBody, requestBody, UPLOAD_IDLE_MS } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

const FILE_TYPES = { 'application/octet-stream': 'file' } as const;

/**
 * A file that somebody put here is never a page of ours: it is saved and not shown, its type is what was said and nothing else, and
 * whatever a browser makes of it has no origin and loads nothing.
 */
const INERT = {
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  // The name is the digest: what is there never changes.
  'cache-control': 'private, max-age=31536000, immutable',
} as const;

/** Files of store entries: sent before their entry, and fetched whole or in ranges. */
export function storeFileRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.post(
    '/v1/store/:name/files',
    describe({
      summary: 'Send a file for an entry that is put within an hour',
      tag: 'store',
      parameters: [
        { in: 'header', name: 'Content-Length', description: 'Needed: it is what the store keeps free for the file' },
        {
          in: 'header',
          name: 'Content-Digest',
          description: 'sha-256=:<base64>: of the file (RFC 9530); another digest is refused',
        },
      ],
      body: { description: 'The file', types: Object.keys(FILE_TYPES) },
      answers: { 201: { description: 'Its digest and length', schema: ReceivedFile } },
      errors: [
        'body-truncated',
        'body-too-large',
        'request-timeout',
        'storage-full',
        'media-type-unsupported',
        'conflict',
      ],
    }),
    async (c) => {
      parseName(c.req.param('name'));
      requireMediaType(c.req.header('content-type'), FILE_TYPES);
      refuseEncodedBody(c);
      const bytes = declaredLength(c);
      if (bytes === undefined)
        throw new CloudletError('request-invalid', 'expected Content-Length with the length of the file, got none');
      const digest = contentDigest(c.req.header('content-digest'));
      const body = requestBody(c, { maxBytes: bytes, idleMs: UPLOAD_IDLE_MS });
      return c.json(await cloudlet.catalogue.receive(body, bytes, digest, c.req.raw.signal), 201);
    },
  );
  routes.get(
    '/v1/store/:name/files/:digest',
    describe({
      summary: 'A file of an entry, whole or a range of it',
      tag: 'store',
      parameters: [
        { in: 'header', name: 'Range', description: 'bytes=first-last, one range' },
        { in: 'header', name: 'If-Range', description: 'The ETag: the digest in quotes' },
      ],
      answers: {
        200: { description: 'The file', types: ['*/*'] },
        206: { description: 'The range', types: ['*/*'] },
        304: { description: 'The caller has it' },
      },
      errors: ['store-unknown', 'not-found', 'range-unsatisfiable', 'storage-corrupt'],
    }),
    async (c) => {
      const file = await cloudlet.catalogue.file(parseName(c.req.param('name')), parseDigest(c.req.param('digest')));
      return fileAnswer(c, file, { ...INERT, 'content-disposition': attachment(file.name) });
    },
  );
  return routes;
}

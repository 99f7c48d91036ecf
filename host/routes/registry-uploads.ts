import { type Context, Hono } from 'hono';
import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import { parseRegistryDigest, parseRepository, RegistryRefusal } from '../../runtime/index.ts';
import type { HostContext } from '../http/connection.ts';
import { refuseEncodedBody, requestBody, UPLOAD_IDLE_MS } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** Uploads of blobs: whole in one request, in parts that can be resumed, or taken from another function. */
export function registryUploadRoutes({ cloudlet, limits }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const maxBytes = Math.max(limits.componentBytes, limits.packageBytes);
  const name = (c: Context<HostContext>) => parseRepository(c.req.param('name') ?? '');
  const bodyOf = (c: Context<HostContext>) => {
    refuseEncodedBody(c);
    return requestBody(c, { maxBytes, idleMs: UPLOAD_IDLE_MS });
  };
  const made = (c: Context<HostContext>, repository: FunctionName, digest: string) =>
    c.body(null, 201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
  const goesOn = (c: Context<HostContext>, status: 202 | 204, repository: FunctionName, id: string, received: number) =>
    c.body(null, status, {
      location: `/v2/${repository}/blobs/uploads/${id}`,
      range: `0-${Math.max(0, received - 1)}`,
      'docker-upload-uuid': id,
    });

  for (const path of ['/v2/:name/blobs/uploads/', '/v2/:name/blobs/uploads'])
    routes.post(
      path,
      describe({
        summary: 'Begin to upload a blob, send it whole, or take it from another function',
        tag: 'registry',
        parameters: [
          { in: 'query', name: 'digest', description: 'Of the body, which is the whole blob' },
          { in: 'query', name: 'mount', description: 'Digest of a blob that another function has' },
          { in: 'query', name: 'from', description: 'That function' },
        ],
        body: { description: 'The blob, or nothing', types: ['application/octet-stream'] },
        answers: { 201: { description: 'The blob is here' }, 202: { description: 'The upload goes on' } },
        errors: ['body-too-large', 'body-truncated', 'request-timeout', 'storage-full', 'at-capacity'],
      }),
      async (c) => {
        const repository = name(c);
        const { digest, mount, from } = c.req.query();
        if (mount !== undefined && from !== undefined) {
          const wanted = parseRegistryDigest(mount);
          // A repository of another registry's name has nothing here; the blob is sent then.
          const source = /^[a-z][a-z0-9-]{0,62}$/.test(from) ? parseRepository(from) : null;
          if (source !== null && (await cloudlet.distribution.mount(repository, source, wanted)))
            return made(c, repository, wanted);
        } else if (digest !== undefined) {
          const wanted = parseRegistryDigest(digest);
          return made(
            c,
            repository,
            await cloudlet.distribution.receive(repository, bodyOf(c), wanted, c.req.raw.signal),
          );
        }
        return goesOn(c, 202, repository, await cloudlet.distribution.beginUpload(repository), 0);
      },
    );
  const one = '/v2/:name/blobs/uploads/:id';
  routes.get(
    one,
    describe({
      summary: 'How far an upload is',
      tag: 'registry',
      answers: { 204: { description: 'Range says it' } },
      errors: ['not-found'],
    }),
    async (c) => {
      const repository = name(c);
      const id = c.req.param('id');
      return goesOn(c, 204, repository, id, await cloudlet.distribution.uploaded(repository, id));
    },
  );
  routes.patch(
    one,
    describe({
      summary: 'Send more of a blob',
      tag: 'registry',
      parameters: [{ in: 'header', name: 'Content-Range', description: 'first-last: where the part belongs' }],
      body: { description: 'The part', types: ['application/octet-stream'] },
      answers: { 202: { description: 'The upload goes on' } },
      errors: ['not-found', 'range-unsatisfiable', 'body-too-large', 'storage-full', 'conflict'],
    }),
    async (c) => {
      const repository = name(c);
      const id = c.req.param('id');
      const received = await cloudlet.distribution.append(repository, id, bodyOf(c), startOf(c));
      return goesOn(c, 202, repository, id, received);
    },
  );
  routes.put(
    one,
    describe({
      summary: 'End an upload, with what is left of the blob',
      tag: 'registry',
      parameters: [{ in: 'query', name: 'digest', description: 'Of the whole blob; another one is refused' }],
      body: { description: 'The rest, or nothing', types: ['application/octet-stream'] },
      answers: { 201: { description: 'The blob is here' } },
      errors: ['not-found', 'body-truncated', 'body-too-large', 'storage-full'],
    }),
    async (c) => {
      const repository = name(c);
      const id = c.req.param('id');
      const digest = parseRegistryDigest(c.req.query('digest') ?? '');
      const from = startOf(c);
      if (from !== null && from !== (await cloudlet.distribution.uploaded(repository, id)))
        throw notInOrder('a part that begins where the upload is');
      return made(c, repository, await cloudlet.distribution.finishUpload(repository, id, bodyOf(c), digest));
    },
  );
  routes.delete(
    one,
    describe({
      summary: 'Give an upload up',
      tag: 'registry',
      answers: { 204: { description: 'It is gone' } },
      errors: ['not-found'],
    }),
    async (c) => {
      await cloudlet.distribution.cancelUpload(name(c), c.req.param('id'));
      return c.body(null, 204);
    },
  );
  return routes;
}

/** Where a part begins, by `Content-Range: first-last`; null when that was not said. */
function startOf(c: Context<HostContext>): number | null {
  const field = c.req.header('content-range');
  if (field === undefined) return null;
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(field);
  if (match === null || Number(match[2]) < Number(match[1])) throw notInOrder('Content-Range: first-last');
  return Number(match[1]);
}

function notInOrder(expected: string): RegistryRefusal {
  return new RegistryRefusal('BLOB_UPLOAD_INVALID', 'range-unsatisfiable', `expected ${expected}, got another`);
}

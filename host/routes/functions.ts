import { type Context, Hono } from 'hono';
import {
  Deployment,
  FunctionInfo,
  FunctionList,
  PACKAGE_TYPES,
  Published,
  parseName,
  RollbackRequest,
} from '../../guest-sdk/protocol/index.ts';
import type { PublishOptions } from '../../runtime/index.ts';
import type { HostContext } from '../http/connection.ts';
import { contentDigest } from '../http/content-digest.ts';
import { hasAlready } from '../http/file-answer.ts';
import { requireMediaType } from '../http/media-type.ts';
import {
  declaredLength,
  parseJson,
  parseWith,
  readBody,
  refuseEncodedBody,
  requestBody,
  UPLOAD_IDLE_MS,
} from '../http/request-body.ts';
import { streamedBody } from '../http/streamed-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';
import { userOf } from '../trust/index.ts';
import { parseVersion } from './versions.ts';

/** What a body may be, by its type, which bounds it; what is in it is told from its first bytes. */
const PUBLISHED_TYPES: Readonly<Record<string, 'component' | 'any'>> = {
  'application/wasm': 'component',
  'application/octet-stream': 'any',
  ...Object.fromEntries(PACKAGE_TYPES.map((type) => [type, 'any' as const])),
};
const MAX_ROLLBACK_BYTES = 4096;

/** Functions: publish, list, look at, go back, remove. */
export function functionRoutes({ cloudlet, limits }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/functions/:name';

  routes.get(
    '/v1/functions',
    describe({
      summary: 'All functions',
      tag: 'functions',
      answers: { 200: { description: 'Functions', schema: FunctionList } },
    }),
    async (c) => c.json({ functions: await cloudlet.functions() }),
  );
  routes.get(
    one,
    describe({
      summary: 'One function: versions, exports, grant, state',
      tag: 'functions',
      answers: { 200: { description: 'The function', schema: FunctionInfo } },
      errors: ['function-unknown'],
    }),
    async (c) => c.json(await cloudlet.function(parseName(c.req.param('name')))),
  );
  routes.put(
    one,
    describe({
      summary: 'Publish a component or a package under a name',
      tag: 'functions',
      parameters: [
        {
          in: 'header',
          name: 'Content-Digest',
          description: 'sha-256=:<base64>: of the body (RFC 9530); another digest is refused',
        },
        { in: 'header', name: 'Prefer', description: 'respond-async: answer 202 with a deployment to watch' },
      ],
      body: {
        description:
          'A component, a core module of WASI 0.1, which is adapted, or a package: an OCI image layout in a tar, with one of them, its grant and files',
        types: Object.keys(PUBLISHED_TYPES),
      },
      answers: {
        200: { description: 'This component already is the current version', schema: Published },
        201: { description: 'A new version', schema: Published },
        202: { description: 'Being published', schema: Deployment },
      },
      errors: [
        'body-truncated',
        'request-timeout',
        'body-too-large',
        'media-type-unsupported',
        'component-refused',
        'package-invalid',
        'grant-invalid',
        'grant-missing',
        'storage-full',
      ],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const kind = requireMediaType(c.req.header('content-type'), PUBLISHED_TYPES);
      const { componentBytes, packageBytes } = limits;
      const maxBytes = kind === 'component' ? componentBytes : Math.max(componentBytes, packageBytes);
      refuseEncodedBody(c);
      const body = requestBody(c, {
        maxBytes,
        idleMs: UPLOAD_IDLE_MS,
      });
      if (prefersAsync(c)) {
        const deployment = await cloudlet.deployments.publish(name, body, publishOptions(c), userOf(c.var.caller));
        return c.json(deployment, 202, {
          location: `/v1/deployments/${deployment.id}`,
          'preference-applied': 'respond-async',
        });
      }
      const published = await cloudlet.publish(name, body, publishOptions(c));
      return c.json(published, published.created ? 201 : 200, { location: published.address });
    },
  );
  routes.delete(
    one,
    describe({
      summary: 'Remove a function, all its versions and its log',
      tag: 'functions',
      answers: { 204: { description: 'Removed' } },
      errors: ['function-unknown'],
    }),
    async (c) => {
      await cloudlet.remove(parseName(c.req.param('name')));
      return c.body(null, 204);
    },
  );
  routes.post(
    `${one}/rollback`,
    describe({
      summary: 'Send calls to an earlier version again',
      tag: 'functions',
      body: { description: 'The version; left out, the one before the current', schema: RollbackRequest },
      answers: { 200: { description: 'The function', schema: FunctionInfo } },
      errors: ['function-unknown', 'version-unknown', 'conflict'],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const { version } = parseWith(RollbackRequest, await rollbackBody(c));
      return c.json(await cloudlet.rollback(name, version));
    },
  );
  routes.get(
    `${one}/component`,
    describe({
      summary: "A version's component, to run it elsewhere",
      tag: 'functions',
      parameters: [
        { in: 'query', name: 'version', description: 'Left out, the current one' },
        { in: 'header', name: 'If-None-Match', description: 'The ETag: the digest in quotes' },
      ],
      answers: {
        200: { description: 'The component', types: ['application/wasm'] },
        304: { description: 'The caller has it' },
      },
      errors: ['function-unknown', 'version-unknown', 'storage-corrupt'],
    }),
    async (c) => {
      const version = c.req.query('version');
      const stored = await cloudlet.component(
        parseName(c.req.param('name')),
        version === undefined ? undefined : parseVersion(version),
      );
      const tag = `"${stored.digest}"`;
      const always = { etag: tag, 'cloudlet-function-version': String(stored.version) };
      if (hasAlready(c, tag)) return c.body(null, 304, always);
      return c.body(streamedBody(c, stored.bytes[Symbol.asyncIterator](), stored.sizeBytes), 200, {
        ...always,
        'content-type': 'application/wasm',
        'content-length': String(stored.sizeBytes),
      });
    },
  );
  return routes;
}

function publishOptions(c: Context<HostContext>): Omit<PublishOptions, 'onProgress'> {
  const contentLength = declaredLength(c);
  const digest = contentDigest(c.req.header('content-digest'));
  return {
    ...(contentLength === undefined ? {} : { contentLength }),
    ...(digest === undefined ? {} : { digest }),
    signal: c.req.raw.signal,
  };
}

function prefersAsync(c: Context<HostContext>): boolean {
  return /(^|[,;])\s*respond-async\s*($|[,;])/i.test(c.req.header('prefer') ?? '');
}

/** No body at all means the previous version. */
async function rollbackBody(c: Context<HostContext>): Promise<unknown> {
  const bytes = await readBody(c, MAX_ROLLBACK_BYTES);
  if (bytes.length === 0) return {};
  requireMediaType(c.req.header('content-type'), { 'application/json': 'json' });
  return parseJson(bytes);
}

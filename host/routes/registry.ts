import { type Context, Hono } from 'hono';
import { MEDIA_TYPES } from '../../guest-sdk/protocol/index.ts';
import {
  parseReference,
  parseRepository,
  parseWantedDigest,
  parseWantedReference,
  RegistryRefusal,
} from '../../runtime/index.ts';
import type { HostContext } from '../http/connection.ts';
import { fileAnswer } from '../http/file-answer.ts';
import { listPage } from '../http/registry-answer.ts';
import { readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** Longest manifest that is taken, bytes. */
const MAX_MANIFEST_BYTES = 512 * 1024;

/** Nothing of a registry is a page of ours: see `store-files.ts`. */
const INERT = {
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;

const PAGE_PARAMETERS = [
  { in: 'query', name: 'n', description: 'Most names in one answer' },
  { in: 'query', name: 'last', description: 'The name behind which the answer begins' },
] as const;

/** The functions as an OCI registry (distribution specification 1.1): manifests, blobs, tags, referrers. Uploads are in `registry-uploads.ts`. */
export function registryRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const name = (c: Context<HostContext>) => parseRepository(c.req.param('name') ?? '');

  for (const path of ['/v2/', '/v2'])
    routes.get(
      path,
      describe({
        summary: 'Whether this is an OCI registry, and the caller may use it',
        tag: 'registry',
        answers: { 200: { description: 'It is' } },
      }),
      (c) => c.json({}, 200, { 'docker-distribution-api-version': 'registry/2.0' }),
    );
  routes.get(
    '/v2/_catalog',
    describe({
      summary: 'Names of all functions',
      tag: 'registry',
      parameters: PAGE_PARAMETERS,
      answers: { 200: { description: 'Names' } },
    }),
    (c) => {
      const { items, next } = listPage(cloudlet.distribution.repositories(), page(c), c.req.path);
      return c.json({ repositories: items }, 200, next);
    },
  );
  routes.get(
    '/v2/:name/tags/list',
    describe({
      summary: 'Tags of a function: latest, the numbers of its versions, and those it was pushed with',
      tag: 'registry',
      parameters: PAGE_PARAMETERS,
      answers: { 200: { description: 'Tags' } },
      errors: ['function-unknown'],
    }),
    (c) => {
      const repository = name(c);
      const { items, next } = listPage(cloudlet.distribution.tags(repository), page(c), c.req.path);
      return c.json({ name: repository, tags: items }, 200, next);
    },
  );
  routes.get(
    '/v2/:name/manifests/:reference',
    describe({
      summary: 'The manifest of a version or of a signature, by tag or digest',
      tag: 'registry',
      answers: { 200: { description: 'The manifest', types: [MEDIA_TYPES.manifest] } },
      errors: ['function-unknown', 'not-found', 'storage-corrupt'],
    }),
    async (c) => {
      const { digest, bytes } = await cloudlet.distribution.manifest(
        name(c),
        parseWantedReference(c.req.param('reference')),
      );
      return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
        ...INERT,
        'content-type': MEDIA_TYPES.manifest,
        'content-length': String(bytes.length),
        'docker-content-digest': digest,
        etag: `"${digest}"`,
      });
    },
  );
  routes.put(
    '/v2/:name/manifests/:reference',
    describe({
      summary: 'Publish a package whose blobs were uploaded, or attach a signature to one',
      tag: 'registry',
      body: { description: 'The manifest', types: [MEDIA_TYPES.manifest] },
      answers: { 201: { description: 'It is a version, or a signature, of the function' } },
      errors: [
        'package-invalid',
        'grant-invalid',
        'grant-missing',
        'component-refused',
        'signature-invalid',
        'storage-full',
      ],
    }),
    async (c) => {
      const repository = name(c);
      const bytes = await readBody(c, MAX_MANIFEST_BYTES);
      const mediaType = c.req.header('content-type')?.split(';')[0]?.trim();
      const reference = parseReference(c.req.param('reference'));
      const { digest, subject } = await cloudlet.distribution.push(
        repository,
        reference,
        { bytes, mediaType },
        c.req.raw.signal,
      );
      return c.body(null, 201, {
        location: `/v2/${repository}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(subject === null ? {} : { 'oci-subject': subject }),
      });
    },
  );
  routes.delete(
    '/v2/:name/manifests/:reference',
    describe({
      summary: 'Remove a tag, a signature, or a version that no calls go to',
      tag: 'registry',
      answers: { 202: { description: 'Removed' } },
      errors: ['function-unknown', 'not-found', 'method-not-allowed'],
    }),
    async (c) => {
      await cloudlet.distribution.removeManifest(name(c), parseWantedReference(c.req.param('reference')));
      return c.body(null, 202);
    },
  );
  routes.get(
    '/v2/:name/blobs/:digest',
    describe({
      summary: 'A part of a version, whole or a range of it',
      tag: 'registry',
      parameters: [{ in: 'header', name: 'Range', description: 'bytes=first-last, one range' }],
      answers: {
        200: { description: 'The blob', types: ['application/octet-stream'] },
        206: { description: 'The range', types: ['application/octet-stream'] },
      },
      errors: ['function-unknown', 'not-found', 'range-unsatisfiable', 'storage-corrupt'],
    }),
    async (c) => {
      const digest = parseWantedDigest(c.req.param('digest'), 'BLOB_UNKNOWN');
      const file = await cloudlet.distribution.blob(name(c), digest, c.get('caller') !== null);
      return fileAnswer(c, file, { ...INERT, 'docker-content-digest': digest });
    },
  );
  routes.delete(
    '/v2/:name/blobs/:digest',
    describe({
      summary: 'Give up a blob that waits for its manifest',
      tag: 'registry',
      answers: { 202: { description: 'Removed' } },
      errors: ['not-found', 'method-not-allowed'],
    }),
    (c) => {
      cloudlet.distribution.removeBlob(name(c), parseWantedDigest(c.req.param('digest'), 'BLOB_UNKNOWN'));
      return c.body(null, 202);
    },
  );
  routes.get(
    '/v2/:name/referrers/:digest',
    describe({
      summary: 'What refers to a manifest: the signatures of a package',
      tag: 'registry',
      parameters: [{ in: 'query', name: 'artifactType', description: 'Only those of this type' }],
      answers: { 200: { description: 'An index of them', types: [MEDIA_TYPES.index] } },
      errors: ['function-unknown'],
    }),
    async (c) => {
      const type = c.req.query('artifactType');
      const manifests = await cloudlet.distribution.referrers(
        name(c),
        parseWantedDigest(c.req.param('digest'), 'MANIFEST_UNKNOWN'),
        type,
      );
      const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
      return c.body(JSON.stringify(index), 200, {
        'content-type': MEDIA_TYPES.index,
        ...(type === undefined ? {} : { 'oci-filters-applied': 'artifactType' }),
      });
    },
  );
  return routes;
}

/** Names of other registries have slashes; functions have none. Mounted behind all routes of the registry. */
export function refuseDeepNames(): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.all('/v2/*', async (c, next) => {
    const found = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\//.exec(c.req.path)?.[1];
    if (found?.includes('/'))
      throw new RegistryRefusal(
        'NAME_INVALID',
        'not-found',
        `expected the name of a function, of lower-case letters, digits and hyphens, got ${JSON.stringify(found.slice(0, 100))}`,
      );
    await next();
  });
  return routes;
}

function page(c: Context<HostContext>): { readonly n: string | undefined; readonly last: string | undefined } {
  return { n: c.req.query('n'), last: c.req.query('last') };
}

import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import {
  CloudletError,
  EntryInfo,
  EntryKind,
  EntryList,
  EntryPut,
  EntryRequest,
  Fingerprint,
  Installed,
  InstallRequest,
  MAX_MANIFEST_BYTES,
  MAX_SIGNATURE_CHARS,
  OS_NAME,
  OS_VERSION,
  PublisherList,
  parseName,
} from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { requireMediaType } from '../http/media-type.ts';
import { parseJson, parseWith, readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

const JSON_TYPE = { 'application/json': 'json' } as const;
/** A manifest may be written with more space than its canonical text has. */
const MAX_ENTRY_BYTES = 2 * MAX_MANIFEST_BYTES + MAX_SIGNATURE_CHARS;
const MAX_INSTALL_BYTES = 4096;

const Device = {
  os: v.optional(v.pipe(v.string(), v.regex(OS_NAME, 'the name of a system'))),
  osVersion: v.optional(v.pipe(v.string(), v.regex(OS_VERSION, 'a version such as 14.4'))),
};

/** What a list of entries can be asked for with. */
const ListQuery = v.strictObject({
  q: v.optional(v.pipe(v.string(), v.maxLength(200))),
  kind: v.optional(EntryKind),
  ...Device,
  tags: v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(8)),
  page: v.optional(v.pipe(v.string(), v.regex(/^[1-9]\d{0,5}$/, 'a number from 1'), v.transform(Number)), '1'),
});

/** The store: list, look at, put, remove, install; keys of publishers. */
export function storeRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/store/:name';
  const query = (name: string, description: string, many = false) =>
    ({ in: 'query', name, description, ...(many ? { many } : {}) }) as const;

  routes.get(
    '/v1/store',
    describe({
      summary: 'Store entries by name, 50 a page',
      tag: 'store',
      parameters: [
        query('q', 'Words that begin words of the name, title, description or tags'),
        query('kind', 'function, service or application'),
        query('os', 'Only what runs on this system, such as android'),
        query('osVersion', 'and on this version of it'),
        query('tag', 'Only what has this tag; may be given several times', true),
        query('page', 'The first is 1'),
      ],
      answers: { 200: { description: 'A page of entries', schema: EntryList } },
    }),
    (c) => c.json(cloudlet.catalogue.list(parseListQuery(c))),
  );
  routes.get(
    one,
    describe({
      summary: 'An entry: manifest, signature, publisher, revisions',
      tag: 'store',
      parameters: [query('revision', 'Left out, the current one')],
      answers: { 200: { description: 'The entry', schema: EntryInfo } },
      errors: ['store-unknown'],
    }),
    (c) => c.json(cloudlet.catalogue.entry(parseName(c.req.param('name')), revisionOf(c.req.query('revision')))),
  );
  routes.put(
    one,
    describe({
      summary:
        'Put an entry; files that are not here yet are named, to be sent to …/files before the same request again',
      tag: 'store',
      body: { description: 'Its manifest, and the detached JWS over its canonical JSON', schema: EntryRequest },
      answers: {
        200: { description: 'This entry is there already', schema: EntryPut },
        201: { description: 'A new revision', schema: EntryPut },
        202: { description: 'Files are missing; nothing was changed', schema: EntryPut },
      },
      errors: ['signature-invalid', 'package-invalid', 'storage-full', 'body-too-large', 'media-type-unsupported'],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const put = await cloudlet.catalogue.put(
        name,
        parseWith(EntryRequest, await jsonBody(c, MAX_ENTRY_BYTES)),
        c.req.raw.signal,
      );
      return c.json(put, put.created ? 201 : put.revision === null ? 202 : 200);
    },
  );
  routes.delete(
    one,
    describe({
      summary: 'Remove an entry and its files; what it provisioned stays',
      tag: 'store',
      answers: { 204: { description: 'Removed' } },
      errors: ['store-unknown'],
    }),
    (c) => {
      cloudlet.catalogue.remove(parseName(c.req.param('name')));
      return c.body(null, 204);
    },
  );
  routes.post(
    `${one}/install`,
    describe({
      summary: 'Install an entry: its files for this device, its pages, and its server, which is provisioned first',
      tag: 'store',
      body: { description: 'What the device runs', schema: InstallRequest },
      answers: { 200: { description: 'Where everything is', schema: Installed } },
      errors: ['store-unknown', 'signature-invalid', 'requirements-unmet', 'not-ready', 'function-unknown'],
    }),
    async (c) => {
      const device = parseWith(v.strictObject(Device), await jsonBody(c, MAX_INSTALL_BYTES));
      return c.json(await cloudlet.catalogue.install(parseName(c.req.param('name')), device, c.req.raw.signal));
    },
  );
  routes.get(
    '/v1/publishers',
    describe({
      summary: 'Keys that the owner has accepted, and what the policy makes of them',
      tag: 'store',
      answers: { 200: { description: 'Keys by fingerprint', schema: PublisherList } },
    }),
    (c) => c.json(cloudlet.catalogue.publishers()),
  );
  routes.delete(
    '/v1/publishers/:fingerprint',
    describe({
      summary: 'Accept a key no more',
      tag: 'store',
      answers: { 204: { description: 'It is accepted no more' } },
      errors: ['not-found'],
    }),
    (c) => {
      cloudlet.catalogue.forgetPublisher(parseWith(Fingerprint, c.req.param('fingerprint')));
      return c.body(null, 204);
    },
  );
  return routes;
}

/** What the address of a list asks for; `request-invalid` for what is no such question. */
export function parseListQuery(c: Context<HostContext>): v.InferOutput<typeof ListQuery> {
  const { tag, ...rest } = c.req.queries();
  // An empty field of a form asks for nothing.
  const given = Object.entries(rest).flatMap(([key, [first = '']]) => (first === '' ? [] : [[key, first]]));
  return parseWith(ListQuery, { ...Object.fromEntries(given), tags: (tag ?? []).filter((each) => each !== '') });
}

async function jsonBody(c: Context<HostContext>, maxBytes: number): Promise<unknown> {
  requireMediaType(c.req.header('content-type'), JSON_TYPE);
  return parseJson(await readBody(c, maxBytes));
}

function revisionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CloudletError(
    'request-invalid',
    `expected a revision, a number from 1, got ${JSON.stringify(text.slice(0, 20))}`,
  );
}

import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import {
  DescribedVersion,
  parseName,
  RetainRequest,
  SplitRequest,
  VersionDiff,
  VersionList,
} from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { requireMediaType } from '../http/media-type.ts';
import { parseJson, parseWith, readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

const MAX_REQUEST_BYTES = 64 * 1024;
const VersionNumber = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Versions of functions: which there are, what differs, which calls go to, how many are kept. */
export function versionRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/functions/:name';
  routes.get(
    `${one}/versions`,
    describe({
      summary: 'The versions of a function, newest first, with their shares of the calls',
      tag: 'functions',
      answers: { 200: { description: 'Versions', schema: VersionList } },
      errors: ['function-unknown'],
    }),
    (c) => c.json(cloudlet.versions.list(parseName(c.req.param('name')))),
  );
  routes.get(
    `${one}/versions/:version`,
    describe({
      summary: 'One version: exports, imports, grant, files',
      tag: 'functions',
      answers: { 200: { description: 'The version', schema: DescribedVersion } },
      errors: ['function-unknown', 'version-unknown', 'storage-corrupt'],
    }),
    async (c) =>
      c.json(await cloudlet.versions.describe(parseName(c.req.param('name')), parseVersion(c.req.param('version')))),
  );
  routes.delete(
    `${one}/versions/:version`,
    describe({
      summary: 'Remove a version that no call goes to, with its snapshot',
      tag: 'functions',
      answers: { 204: { description: 'Removed' } },
      errors: ['function-unknown', 'version-unknown', 'conflict'],
    }),
    async (c) => {
      await cloudlet.versions.remove(parseName(c.req.param('name')), parseVersion(c.req.param('version')));
      return c.body(null, 204);
    },
  );
  routes.get(
    `${one}/diff`,
    describe({
      summary: 'What differs between two versions, and whether callers of the first would fail at the second',
      tag: 'functions',
      parameters: [
        { in: 'query', name: 'from', description: 'Left out, the version before the other' },
        { in: 'query', name: 'to', description: 'Left out, the current version' },
      ],
      answers: { 200: { description: 'The differences', schema: VersionDiff } },
      errors: ['function-unknown', 'version-unknown', 'storage-corrupt'],
    }),
    async (c) =>
      c.json(await cloudlet.versions.diff(parseName(c.req.param('name')), queried(c, 'from'), queried(c, 'to'))),
  );
  routes.put(
    `${one}/split`,
    describe({
      summary: 'Share calls out among versions, from the next call on; null: all to the current one',
      tag: 'functions',
      body: {
        description: 'Percentages that are 100 together; `sticky` is header:NAME or cookie:NAME',
        schema: SplitRequest,
      },
      answers: { 200: { description: 'The versions with their shares', schema: VersionList } },
      errors: ['function-unknown', 'version-unknown'],
    }),
    async (c) => {
      const { split } = parseWith(SplitRequest, await jsonBody(c));
      return c.json(cloudlet.versions.share(parseName(c.req.param('name')), split));
    },
  );
  routes.put(
    `${one}/retain`,
    describe({
      summary: 'How many versions are kept; those that calls go to are kept beside',
      tag: 'functions',
      body: { description: 'A number from 1, or null for that of the host', schema: RetainRequest },
      answers: { 200: { description: 'The versions that are left', schema: VersionList } },
      errors: ['function-unknown'],
    }),
    async (c) => {
      const request = parseWith(RetainRequest, await jsonBody(c));
      return c.json(cloudlet.versions.retain(parseName(c.req.param('name')), request.versions));
    },
  );
  return routes;
}

async function jsonBody(c: Context<HostContext>): Promise<unknown> {
  requireMediaType(c.req.header('content-type'), { 'application/json': 'json' });
  return parseJson(await readBody(c, MAX_REQUEST_BYTES));
}

function queried(c: Context<HostContext>, name: string): number | undefined {
  const text = c.req.query(name);
  return text === undefined ? undefined : parseVersion(text);
}

/** A version's number from an address; `request-invalid` for what is none. */
export function parseVersion(text: string): number {
  return parseWith(VersionNumber, /^\d{1,9}$/.test(text) ? Number(text) : text);
}

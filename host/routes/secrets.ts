import { Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { requireMediaType } from '../http/media-type.ts';
import { readBody, refuseEncodedBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

const VALUE_TYPES = { 'text/plain': 'text', 'application/octet-stream': 'text' } as const;

/** Longest value, bytes. The engine has the same limit; here it bounds what is read. */
const MAX_VALUE_BYTES = 64 * 1024;

/** Secrets of functions: set and removed, never shown. */
export function secretRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/functions/:name/secrets/:key';
  routes.put(
    one,
    describe({
      summary: 'Set a secret; nothing ever shows its value again',
      tag: 'functions',
      body: { description: 'The value: UTF-8 of at most 64 KiB, as it is', types: Object.keys(VALUE_TYPES) },
      answers: { 204: { description: 'Set, for the invocations that follow' } },
      errors: ['function-unknown', 'body-too-large', 'media-type-unsupported'],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      requireMediaType(c.req.header('content-type'), VALUE_TYPES);
      refuseEncodedBody(c);
      await cloudlet.setSecret(name, c.req.param('key'), await readBody(c, MAX_VALUE_BYTES));
      return c.body(null, 204);
    },
  );
  routes.delete(
    one,
    describe({
      summary: 'Remove a secret',
      tag: 'functions',
      answers: { 204: { description: 'Removed' } },
      errors: ['function-unknown', 'secret-unknown'],
    }),
    async (c) => {
      await cloudlet.removeSecret(parseName(c.req.param('name')), c.req.param('key'));
      return c.body(null, 204);
    },
  );
  return routes;
}

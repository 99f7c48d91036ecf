import { Hono } from 'hono';
import * as v from 'valibot';
import { Fingerprint, PinnedPublisherList, parseName } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { parseJson, parseWith, readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** A key that the owner accepts for a name. */
const Acceptance = v.strictObject({ fingerprint: Fingerprint });

const MAX_BODY_BYTES = 4096;

/** Whose the names of functions are: list, accept another key, let a name go. */
export function publisherRoutes({ cloudlet }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/functions/:name/publisher';
  routes.get(
    '/v1/function-publishers',
    describe({
      summary: 'Names that belong to a key, and what the policy asks for',
      tag: 'trust',
      answers: { 200: { description: 'Names with fingerprints', schema: PinnedPublisherList } },
    }),
    (c) => c.json({ policy: cloudlet.publishers.policy, publishers: cloudlet.publishers.list() }),
  );
  routes.put(
    one,
    describe({
      summary: "Make a name a key's, in place of an earlier one's; there need not be a function of the name yet",
      tag: 'trust',
      body: { description: 'The fingerprint of the key', schema: Acceptance },
      answers: { 204: { description: 'Accepted' } },
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const { fingerprint } = parseWith(Acceptance, parseJson(await readBody(c, MAX_BODY_BYTES)));
      cloudlet.publishers.accept(name, fingerprint);
      return c.body(null, 204);
    },
  );
  routes.delete(
    one,
    describe({
      summary: "Make a name nobody's: the next key that signs for it has it",
      tag: 'trust',
      answers: { 204: { description: 'Forgotten' } },
      errors: ['not-found'],
    }),
    (c) => {
      cloudlet.publishers.forget(parseName(c.req.param('name')));
      return c.body(null, 204);
    },
  );
  return routes;
}

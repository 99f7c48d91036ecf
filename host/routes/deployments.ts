import { type Context, Hono } from 'hono';
import {
  AcceptedDeployment,
  CloudletError,
  Deployment,
  type DeploymentEvent,
  DeploymentList,
  DeploymentRequest,
  type Digest,
  isEnded,
  MAX_BATCH_BYTES,
  MAX_PART_BYTES,
  MAX_PARTS,
  PART_BATCH_TYPE,
  parseDeploymentRequest,
  parseDigest,
  readBatch,
  WantedParts,
} from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { decoded, readDecoded } from '../http/decoded-body.ts';
import { eventStream, type ServerEvent } from '../http/event-stream.ts';
import { requireMediaType } from '../http/media-type.ts';
import { parseJson, requestBody, UPLOAD_IDLE_MS } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';
import { addressOf, userOf } from '../trust/index.ts';

/** Longest request: a list of as many parts as there may be, or the manifest of an overlay. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

/** Deployments: what is wanted, what is missing of it, how far it is. */
export function deploymentRoutes({ cloudlet: { deployments }, draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const one = '/v1/deployments/:id';
  routes.post(
    '/v1/deployments',
    describe({
      summary: 'Have something here, by the cheapest way: what is wanted, what is required, what the device has',
      tag: 'deployments',
      body: { description: 'The wish', schema: DeploymentRequest },
      answers: {
        200: { description: 'It is ready', schema: AcceptedDeployment },
        202: { description: 'The way that is taken, and what the device is to send', schema: AcceptedDeployment },
      },
      errors: [
        'requirements-unmet',
        'function-unknown',
        'service-unknown',
        'store-unknown',
        'body-too-large',
        'at-capacity',
      ],
    }),
    async (c) => {
      requireMediaType(c.req.header('content-type'), { 'application/json': 'json' });
      const request = parseDeploymentRequest(parseJson(await readDecoded(c, MAX_REQUEST_BYTES)));
      const { deployment, missing, dictionary } = await deployments.ask(request, userOf(c.var.caller));
      const location = `/v1/deployments/${deployment.id}`;
      const bytesMissing = missing.reduce((sum, { bytes }) => sum + bytes, 0);
      const answer: AcceptedDeployment = {
        ...deployment,
        missing: [...missing],
        bytesMissing,
        ...(dictionary === undefined ? {} : { dictionary }),
        events: `${location}/events`,
      };
      return c.json(answer, isEnded(deployment) && deployment.stage !== 'failed' ? 200 : 202, { location });
    },
  );
  routes.get(
    '/v1/deployments',
    describe({
      summary: 'Deployments that go on, and those that ended lately, newest first',
      tag: 'deployments',
      answers: { 200: { description: 'Deployments', schema: DeploymentList } },
    }),
    (c) => c.json({ deployments: deployments.list() }),
  );
  routes.get(
    one,
    describe({
      summary: "A deployment's state",
      tag: 'deployments',
      answers: { 200: { description: 'The deployment', schema: Deployment } },
      errors: ['not-found'],
    }),
    (c) => c.json(deployments.get(c.req.param('id'))),
  );
  routes.delete(
    one,
    describe({
      summary: 'Give a deployment up; parts that were sent are kept for a day',
      tag: 'deployments',
      answers: { 200: { description: 'The deployment, which has ended', schema: Deployment } },
      errors: ['not-found', 'conflict'],
    }),
    async (c) => c.json(await deployments.cancel(c.req.param('id'))),
  );
  routes.get(
    `${one}/parts`,
    describe({
      summary: 'Which parts to send next, in this order',
      tag: 'deployments',
      parameters: [{ in: 'query', name: 'all', description: 'true: all that are missing, not only the next' }],
      answers: { 200: { description: 'The next parts, and how many are missing in all', schema: WantedParts } },
      errors: ['not-found'],
    }),
    (c) => c.json(deployments.wanted(c.req.param('id'), c.req.query('all') === 'true' ? MAX_PARTS : undefined)),
  );
  routes.post(
    `${one}/parts`,
    describe({
      summary:
        'Send parts of what is missing together; what came before a break is kept. May be sent beside the question for a deployment under an id that the device chose: it waits for that',
      tag: 'deployments',
      parameters: [
        {
          in: 'header',
          name: 'Content-Encoding',
          description: 'gzip, zstd, or dcz (RFC 9842) with the dictionary that the deployment named',
        },
      ],
      body: {
        description: 'For each its length (4 bytes, big-endian), its SHA-256 (32 bytes) and its bytes',
        types: [PART_BATCH_TYPE],
      },
      answers: { 200: { description: 'What to send next', schema: WantedParts } },
      errors: ['not-found', 'conflict', 'body-too-large', 'body-truncated', 'request-timeout', 'storage-full'],
    }),
    async (c) => {
      requireMediaType(c.req.header('content-type'), { [PART_BATCH_TYPE]: 'batch' });
      const id = c.req.param('id');
      // Devices that have the owner's token are one user.
      await deployments.coming(id, c.req.raw.signal, `${userOf(c.var.caller)} at ${addressOf(c)}`);
      const raw = requestBody(c, { maxBytes: MAX_BATCH_BYTES, idleMs: UPLOAD_IDLE_MS });
      const body = decoded(c, raw, MAX_BATCH_BYTES, (digest) => deployments.dictionaries.read(digest));
      // A part that is whole is kept, although the link that brought it is gone by now.
      const { signal } = new AbortController();
      await takeBatch(body, (digest, bytes) => deployments.part(id, digest, once(bytes), signal));
      return c.json(deployments.wanted(id));
    },
  );
  routes.put(
    `${one}/parts/:digest`,
    describe({
      summary: 'Send a part of what is missing; sent again it changes nothing',
      tag: 'deployments',
      body: {
        description: 'Its bytes, at most 4 MiB; as they are, or in gzip with Content-Encoding',
        types: ['application/octet-stream'],
      },
      answers: { 200: { description: 'What to send next', schema: WantedParts } },
      errors: ['not-found', 'body-too-large', 'body-truncated', 'request-timeout', 'request-invalid', 'storage-full'],
    }),
    async (c) => {
      const digest = parseDigest(c.req.param('digest'));
      const body = decoded(c, requestBody(c, { maxBytes: MAX_PART_BYTES, idleMs: UPLOAD_IDLE_MS }), MAX_PART_BYTES);
      return c.json(await deployments.part(c.req.param('id'), digest, body, c.req.raw.signal));
    },
  );
  routes.get(
    `${one}/events`,
    describe({
      summary:
        'What happens: events "state" (the deployment as it is; the last says "ready" or "failed"; of one that was asked for early, "ready" without an end may come before, and the last says "complete"), "rung" (another way is taken), "log" (lines of a step)',
      tag: 'deployments',
      parameters: [
        {
          in: 'header',
          name: 'Last-Event-ID',
          description: 'Only events after this one; after the last there is nothing more (204)',
        },
      ],
      answers: {
        200: { description: 'Server-sent events', types: ['text/event-stream'] },
        204: { description: 'The last event was seen already' },
      },
      errors: ['not-found'],
    }),
    async (c) => {
      const id = c.req.param('id');
      const after = lastEventId(c);
      const present = deployments.get(id);
      // 204 is how a browser is told not to come back.
      if (isEnded(present) && after > 0 && (await isAllSeen(deployments.events(id, after)))) return c.body(null, 204);
      return eventStream((left) => {
        const signal = AbortSignal.any([left, draining, c.req.raw.signal]);
        return serverEvents(deployments.events(id, after, signal));
      });
    },
  );
  return routes;
}

/** Parts of a batch that are written at once: the link shall not wait for the disk, and what it brought before a break is kept. */
const WRITTEN_AT_ONCE = 128;

/** Hands the parts of a batch on as they come; those that came before it broke off are taken all the same. */
async function takeBatch(
  body: AsyncIterable<Uint8Array>,
  take: (digest: Digest, bytes: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const writing = new Set<Promise<unknown>>();
  try {
    for await (const { digest, bytes } of readBatch(body)) {
      const taken = take(digest, bytes).finally(() => writing.delete(taken));
      taken.catch(() => {}); // Awaited below.
      writing.add(taken);
      if (writing.size >= WRITTEN_AT_ONCE) await Promise.race(writing);
    }
    await Promise.all(writing);
  } finally {
    await Promise.allSettled(writing);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* serverEvents(events: AsyncIterable<DeploymentEvent>): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const { id, event, data } of events) yield { event, id: String(id), data };
}

async function isAllSeen(events: AsyncIterable<DeploymentEvent>): Promise<boolean> {
  for await (const _ of events) return false;
  return true;
}

function lastEventId(c: Context<HostContext>): number {
  const text = c.req.header('last-event-id');
  if (text === undefined || text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CloudletError(
    'request-invalid',
    `expected Last-Event-ID to be the id of an event of this stream, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

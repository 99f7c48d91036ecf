import { type Context, Hono } from 'hono';
import type { GenericSchema, InferOutput } from 'valibot';
import {
  type FunctionName,
  parseName,
  ServiceInfo,
  ServiceList,
  ServiceStartRequest,
  ServiceVmInfo,
  ServiceVmRequest,
} from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { eventStream } from '../http/event-stream.ts';
import { LOG_PARAMETERS, lineEvents, logQuery } from '../http/log-query.ts';
import { requireMediaType } from '../http/media-type.ts';
import { parseJson, parseWith, readBody } from '../http/request-body.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';
import { userOf } from '../trust/index.ts';

const MAX_BODY_BYTES = 4096;

type Named = Context<HostContext, '/v1/services/:name'>;

/** Native servers: list, look at, start, stop, renew, follow, remove. */
export function serviceRoutes({ cloudlet, draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const { services } = cloudlet;
  const one = '/v1/services/:name';

  routes.get(
    '/v1/services',
    describe({
      summary: 'All services, and their VMs',
      tag: 'services',
      answers: { 200: { description: 'Services', schema: ServiceList } },
    }),
    (c) => c.json({ services: services.list() }),
  );
  routes.get(
    one,
    describe({
      summary: 'One service: what runs in it, its VMs, why the last one failed',
      tag: 'services',
      answers: { 200: { description: 'The service', schema: ServiceInfo } },
      errors: ['service-unknown'],
    }),
    (c) => c.json(services.get(nameOf(c))),
  );
  routes.delete(
    one,
    describe({
      summary: 'Remove a service with its VMs and its log; its image stays as long as there is room',
      tag: 'services',
      answers: { 204: { description: 'Removed' } },
      errors: ['service-unknown'],
    }),
    async (c) => {
      await services.remove(nameOf(c));
      return c.body(null, 204);
    },
  );
  routes.post(
    `${one}/start`,
    describe({
      summary: 'A VM that serves: the shared one ("join"), which is started when there is none, or another one ("own")',
      tag: 'services',
      body: { description: 'Which VM, and whether it gets a raw TCP port', schema: ServiceStartRequest },
      answers: { 200: { description: 'The VM; `Server-Timing` says how it came to be', schema: ServiceVmInfo } },
      errors: ['service-unknown', 'not-found', 'not-ready', 'at-capacity', 'machine-failed', 'conditions-differ'],
    }),
    async (c) => {
      const asked = await bodyOf(c, ServiceStartRequest);
      const { vm, via, startMs } = await services.start(nameOf(c), asked, callerOf(c));
      c.header('server-timing', `start;dur=${Math.round(startMs * 1000) / 1000};desc="${via}"`);
      return c.json(vm);
    },
  );
  routes.post(
    `${one}/stop`,
    describe({
      summary: 'End a VM, or all of a service',
      tag: 'services',
      body: { description: 'Which VM; left out, all', schema: ServiceVmRequest },
      answers: { 204: { description: 'Gone' } },
      errors: ['service-unknown', 'not-found'],
    }),
    async (c) => {
      await services.stop(nameOf(c), (await bodyOf(c, ServiceVmRequest)).vm);
      return c.body(null, 204);
    },
  );
  routes.post(
    `${one}/renew`,
    describe({
      summary: "Begin a VM's lease anew",
      tag: 'services',
      body: { description: 'Which VM; left out, the one that the caller used last', schema: ServiceVmRequest },
      answers: { 200: { description: 'The VM', schema: ServiceVmInfo } },
      errors: ['service-unknown', 'not-found'],
    }),
    async (c) => {
      const { vm } = await bodyOf(c, ServiceVmRequest);
      return c.json(services.renew(nameOf(c), { ...callerOf(c), vm }));
    },
  );
  routes.get(
    `${one}/logs`,
    describe({
      summary: 'What the consoles of its VMs say and what the host says of them, as events "line"',
      tag: 'services',
      parameters: LOG_PARAMETERS,
      answers: { 200: { description: 'Server-sent events', types: ['text/event-stream'] } },
      errors: ['service-unknown'],
    }),
    (c) => {
      const name = nameOf(c);
      const query = logQuery(c);
      // Asked first, because a stream that has begun cannot answer 404 any more.
      services.get(name);
      return eventStream((left) => {
        const signal = AbortSignal.any([left, draining, c.req.raw.signal]);
        return lineEvents(services.logs(name, { ...query, signal }));
      });
    },
  );
  return routes;
}

function nameOf(c: Named): FunctionName {
  return parseName(c.req.param('name'));
}

function callerOf(c: Named) {
  return { user: userOf(c.var.caller), signal: c.req.raw.signal };
}

/** No body at all means that nothing is asked beyond the defaults. */
async function bodyOf<S extends GenericSchema>(c: Named, schema: S): Promise<InferOutput<S>> {
  const bytes = await readBody(c, MAX_BODY_BYTES);
  if (bytes.length > 0) requireMediaType(c.req.header('content-type'), { 'application/json': 'json' });
  return parseWith(schema, bytes.length === 0 ? {} : parseJson(bytes));
}

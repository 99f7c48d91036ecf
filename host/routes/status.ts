import { Hono } from 'hono';
import {
  Advertisement,
  InvocationList,
  RecentInvocation,
  SandboxList,
  Status,
} from '../../guest-sdk/protocol/index.ts';
import type { CloudletEvent } from '../../runtime/index.ts';
import type { HostContext } from '../http/connection.ts';
import { EventQueue } from '../http/event-queue.ts';
import { eventStream, type ServerEvent } from '../http/event-stream.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** What the cloudlet is and does now: for people, for Prometheus, and live for the page. */
export function statusRoutes({ cloudlet, metrics, draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();

  routes.get(
    '/v1/advertisement',
    describe({
      summary: 'What the cloudlet tells anyone: the facts of its advertisement',
      tag: 'cloudlet',
      anonymous: true,
      answers: { 200: { description: 'Facts', schema: Advertisement } },
    }),
    async (c) => {
      const { id, name, version } = await cloudlet.status();
      return c.json({ id, name, version, path: '/v1', auth: 'token' } satisfies Advertisement);
    },
  );
  routes.get(
    '/v1/status',
    describe({
      summary: 'What the cloudlet is, can do and is doing',
      tag: 'cloudlet',
      answers: { 200: { description: 'Status', schema: Status } },
    }),
    async (c) => c.json(await cloudlet.status()),
  );
  routes.get(
    '/metrics',
    describe({
      summary: 'Counters and gauges for Prometheus',
      tag: 'cloudlet',
      answers: { 200: { description: 'Prometheus text 0.0.4', types: ['text/plain'] } },
    }),
    async (c) =>
      c.text(metrics.render(await cloudlet.status()), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
  );
  routes.get(
    '/v1/sandboxes',
    describe({
      summary: 'Sandboxes that exist now',
      tag: 'cloudlet',
      answers: { 200: { description: 'Sandboxes', schema: SandboxList } },
    }),
    (c) => c.json({ sandboxes: cloudlet.sandboxes() }),
  );
  routes.get(
    '/v1/invocations',
    describe({
      summary: 'Running and lately finished invocations, newest first',
      tag: 'cloudlet',
      answers: { 200: { description: 'Invocations', schema: InvocationList } },
    }),
    (c) => c.json({ invocations: cloudlet.recent() }),
  );
  routes.get(
    '/v1/invocations/:id',
    describe({
      summary:
        'One of them, by the id that its answer has as Cloudlet-Invocation-Id, or that a problem names as its instance',
      tag: 'cloudlet',
      answers: { 200: { description: 'The invocation', schema: RecentInvocation } },
      errors: ['not-found'],
    }),
    (c) => c.json(cloudlet.invocation(c.req.param('id'))),
  );
  routes.get(
    '/v1/events',
    describe({
      summary:
        'What changes, as it changes: events "functions", "store", "sandboxes" and "deployments" (ask again), "prepared" (the snapshot of a version is there, or cannot be made), and "invocation" with its state',
      tag: 'cloudlet',
      answers: { 200: { description: 'Server-sent events', types: ['text/event-stream'] } },
    }),
    () =>
      eventStream((left) => {
        const queue = new EventQueue<ServerEvent>();
        const unsubscribe = cloudlet.subscribe((event) => queue.push(serverEvent(event), keyOf(event)));
        const over = AbortSignal.any([left, draining]);
        over.addEventListener('abort', () => {
          unsubscribe();
          queue.end();
        });
        return queue;
      }),
  );
  return routes;
}

function serverEvent(event: CloudletEvent): ServerEvent {
  switch (event.kind) {
    case 'invocation':
      return { event: 'invocation', data: event.invocation };
    case 'prepared':
      return { event: 'prepared', data: { function: event.function, version: event.version } };
    case 'functions':
    case 'store':
    case 'sandboxes':
    case 'services':
    case 'deployments':
      return { event: event.kind, data: {} };
    default:
      throw event satisfies never;
  }
}

/** Of events with the same key only the latest matters to who was slow to read. */
function keyOf(event: CloudletEvent): string {
  switch (event.kind) {
    case 'invocation':
      return event.invocation.id;
    case 'prepared':
      return `prepared ${event.function} ${event.version}`;
    case 'functions':
    case 'store':
    case 'sandboxes':
    case 'services':
    case 'deployments':
      return event.kind;
    default:
      throw event satisfies never;
  }
}

import { Hono } from 'hono';
import { Deployment } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { eventStream, type ServerEvent } from '../http/event-stream.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** Deployments: how far a publish is that answered before its end. */
export function deploymentRoutes({ cloudlet, draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.get(
    '/v1/deployments/:id',
    describe({
      summary: "A deployment's state",
      tag: 'functions',
      answers: { 200: { description: 'The deployment', schema: Deployment } },
      errors: ['not-found'],
    }),
    (c) => c.json(cloudlet.deployment(c.req.param('id'))),
  );
  routes.get(
    '/v1/deployments/:id/events',
    describe({
      summary: 'A deployment\'s states as events "state", ending after "ready" or "failed"',
      tag: 'functions',
      parameters: [
        {
          in: 'header',
          name: 'Last-Event-ID',
          description: 'The last event that was seen; after a last state there is nothing more (204)',
        },
      ],
      answers: {
        200: { description: 'Server-sent events', types: ['text/event-stream'] },
        204: { description: 'The last state was seen already' },
      },
      errors: ['not-found'],
    }),
    (c) => {
      const id = c.req.param('id');
      const present = cloudlet.deployment(id);
      // Every event is a whole state, so one that was missed needs no replay. 204 is how a browser is told not to come back.
      if (isLast(present) && c.req.header('last-event-id') === eventId(present)) return c.body(null, 204);
      return eventStream((left) => {
        const signal = AbortSignal.any([left, draining, c.req.raw.signal]);
        return stateEvents(cloudlet.deploymentEvents(id, signal));
      });
    },
  );
  return routes;
}

async function* stateEvents(states: AsyncIterable<Deployment>): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const state of states) yield { event: 'state', id: eventId(state), data: state };
}

function eventId(state: Deployment): string {
  return `${state.state}-${state.bytesDone}`;
}

function isLast(state: Deployment): boolean {
  return state.state === 'ready' || state.state === 'failed';
}

import { Hono } from 'hono';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { eventStream } from '../http/event-stream.ts';
import { LOG_PARAMETERS, lineEvents, logQuery } from '../http/log-query.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** A function's log: what its guests wrote, and what the host says about them. */
export function logRoutes({ cloudlet, draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.get(
    '/v1/functions/:name/logs',
    describe({
      summary: 'The kept lines of a log and those to come, as events "line"',
      tag: 'functions',
      parameters: LOG_PARAMETERS,
      answers: { 200: { description: 'Server-sent events', types: ['text/event-stream'] } },
      errors: ['function-unknown'],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const query = logQuery(c);
      // Asked first, because a stream that has begun cannot answer 404 any more.
      await cloudlet.function(name);
      return eventStream((left) => {
        const signal = AbortSignal.any([left, draining, c.req.raw.signal]);
        return lineEvents(cloudlet.logs(name, { ...query, signal }));
      });
    },
  );
  return routes;
}

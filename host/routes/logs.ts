import { Hono } from 'hono';
import { CloudletError, type LogLine, parseName } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { eventStream, type ServerEvent } from '../http/event-stream.ts';
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
      parameters: [
        { in: 'query', name: 'follow', description: 'false: end after the kept lines' },
        { in: 'header', name: 'Last-Event-ID', description: 'Only lines after this one: the "seq" of a line' },
      ],
      answers: { 200: { description: 'Server-sent events', types: ['text/event-stream'] } },
      errors: ['function-unknown'],
    }),
    async (c) => {
      const name = parseName(c.req.param('name'));
      const follow = parseFollow(c.req.query('follow'));
      const after = parseLastEventId(c.req.header('last-event-id'));
      // Asked first, because a stream that has begun cannot answer 404 any more.
      await cloudlet.function(name);
      return eventStream((left) => {
        const signal = AbortSignal.any([left, draining, c.req.raw.signal]);
        return lineEvents(cloudlet.logs(name, { follow, after, signal }));
      });
    },
  );
  return routes;
}

function parseFollow(text: string | undefined): boolean {
  if (text === undefined || text === 'true') return true;
  if (text === 'false') return false;
  throw new CloudletError(
    'request-invalid',
    `expected follow=true or follow=false, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

function parseLastEventId(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new CloudletError(
    'request-invalid',
    `expected Last-Event-ID to be the id of an event of this stream, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

async function* lineEvents(lines: AsyncIterable<LogLine>): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const line of lines) yield { event: 'line', id: String(line.seq), data: line };
}

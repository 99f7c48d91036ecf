import type { Context } from 'hono';
import { CloudletError, type LogLine } from '../../guest-sdk/protocol/index.ts';
import type { DescribedParameter } from '../openapi.ts';
import type { HostContext } from './connection.ts';
import type { ServerEvent } from './event-stream.ts';

/** What routes of logs take. */
export const LOG_PARAMETERS: readonly DescribedParameter[] = [
  { in: 'query', name: 'follow', description: 'false: end after the kept lines' },
  { in: 'header', name: 'Last-Event-ID', description: 'Only lines after this one: the "seq" of a line' },
];

/** What is asked of a log. */
export function logQuery(c: Context<HostContext>): { readonly follow: boolean; readonly after: number | undefined } {
  return { follow: parseFollow(c.req.query('follow')), after: parseLastEventId(c.req.header('last-event-id')) };
}

/** Lines of a log as events. */
export async function* lineEvents(lines: AsyncIterable<LogLine>): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const line of lines) yield { event: 'line', id: String(line.seq), data: line };
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

import type { Context } from 'hono';
import { connectionOf, type HostContext } from './connection.ts';

/** The header fields of a request one by one, in their order: Node's list keeps what a `Headers` object joins. */
export function rawHeaders(c: Context<HostContext>): readonly (readonly [string, string])[] {
  const raw = connectionOf(c)?.incoming.rawHeaders;
  if (raw === undefined) return [...c.req.raw.headers];
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!] as const);
}

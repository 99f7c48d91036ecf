import type { Context } from 'hono';
import { connectionOf, type HostContext } from './connection.ts';

/** The header fields of a request one by one, in their order: Node's list keeps what a `Headers` object joins. */
export function rawHeaders(c: Context<HostContext>): readonly (readonly [string, string])[] {
  const raw = connectionOf(c)?.incoming.rawHeaders;
  if (raw === undefined) return [...c.req.raw.headers];
  const fields = new Array<readonly [string, string]>(raw.length / 2);
  for (let at = 0; at < fields.length; at += 1) fields[at] = [raw[2 * at]!, raw[2 * at + 1]!];
  return fields;
}

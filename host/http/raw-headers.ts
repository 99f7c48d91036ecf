import type { Context } from 'hono';
import { connectionOf, type HostContext } from './connection.ts';

/** Header fields of a request in their order, as Node lists them: a name, its value, the next name. */
export type RawHeaders = readonly string[];

/** The header fields of a request one by one, in their order: Node's list keeps what a `Headers` object joins. */
export function rawHeaders(c: Context<HostContext>): RawHeaders {
  return connectionOf(c)?.incoming.rawHeaders ?? [...c.req.raw.headers].flat();
}

/** The value of a field, as a `Headers` object gives it: of one that came several times, all of them. `name` in lower case. */
export function fieldOf(raw: RawHeaders, name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const given = raw[at]!;
    if (given.length !== name.length || (given !== name && given.toLowerCase() !== name)) continue;
    const value = raw[at + 1]!;
    found = found === undefined ? value : `${found}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return found;
}

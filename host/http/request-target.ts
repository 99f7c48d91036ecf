import type { Context } from 'hono';
import type { HostContext } from './connection.ts';

/** The parts of a request's address. */
export interface RequestTarget {
  readonly scheme: 'http' | 'https';
  /** Host and port, without who asks. */
  readonly authority: string;
  /** Path with query, as it was sent. */
  readonly pathWithQuery: string;
}

/**
 * The parts of a request's address, cut and not parsed: it was parsed when the request was made, by the adapter or by `Request`, and to
 * do that again costs as much as all checks.
 */
export function requestTarget(c: Context<HostContext>): RequestTarget {
  const { url } = c.req;
  const from = url.indexOf('://') + 3;
  const slash = url.indexOf('/', from);
  const fragment = url.indexOf('#', slash);
  const authority = url.slice(from, slash);
  return {
    scheme: url.startsWith('https:') ? 'https' : 'http',
    authority: authority.slice(authority.lastIndexOf('@') + 1),
    pathWithQuery: url.slice(slash, fragment === -1 ? url.length : fragment),
  };
}

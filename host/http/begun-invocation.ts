import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { Invocation, InvocationIdentity } from '../../runtime/index.ts';
import type { Caller } from '../trust/caller.ts';
import type { BegunAnswer } from './answer.ts';
import { connectionOf, type HostContext } from './connection.ts';

/** What has become of a request at the direct door, which leaves all but the usual answer to the routes. */
export interface BegunInvocation {
  readonly caller: Caller;
  /** Left out when it failed before it was an invocation. */
  readonly identity: InvocationIdentity | undefined;
  /** Its answer, or why it has none. */
  readonly outcome: { readonly invocation: Invocation; readonly answer: BegunAnswer } | { readonly error: unknown };
}

const begun = new WeakMap<IncomingMessage, BegunInvocation>();

/** Has the routes answer a request whose invocation has begun: they ask nothing of it any more. */
export function handOver(incoming: IncomingMessage, invocation: BegunInvocation): void {
  begun.set(incoming, invocation);
}

/** The invocation that a request has become before it came to the routes. */
export function begunInvocation(c: Context<HostContext>): BegunInvocation | undefined {
  const incoming = connectionOf(c)?.incoming;
  return incoming === undefined ? undefined : begun.get(incoming);
}

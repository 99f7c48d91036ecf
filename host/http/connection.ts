import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { InvocationIdentity } from '../../runtime/index.ts';
import type { Caller } from '../trust/caller.ts';

/** What Hono carries along with a request of ours. */
export interface HostContext {
  /** Node's request and response; missing when a test asks the app without a socket. */
  Bindings: Partial<HttpBindings> & {
    /** Who asks, in a request that another route of ours makes of the one that it was sent: nothing from outside sets it. */
    readonly passedOn?: Caller;
  };
  Variables: {
    /** Who asks; null for a stranger, who gets only what is anonymous. */
    caller: Caller | null;
    /** The invocation that the request has become. */
    invocation?: InvocationIdentity;
    /** Whether the response was made with the headers that every response of ours has. */
    protected?: boolean;
  };
}

/** Node's side of a request, or null without a socket. */
export function connectionOf(c: Context<HostContext>): HttpBindings | null {
  // Hono leaves `env` undefined when `app.request()` is given none, whatever its type says.
  const env = c.env as Partial<HttpBindings> | undefined;
  return env?.incoming === undefined || env.outgoing === undefined
    ? null
    : { incoming: env.incoming, outgoing: env.outgoing };
}

/** Ends the connection under a response that cannot be completed, so that its receiver never takes a part for the whole. */
export function breakConnection(c: Context<HostContext>): boolean {
  const connection = connectionOf(c);
  connection?.outgoing.destroy();
  return connection !== null;
}

/** Whether trailers can be sent after a streamed answer: they need chunks, which HTTP/1.0 does not have. */
export function takesTrailers(c: Context<HostContext>): boolean {
  const incoming = connectionOf(c)?.incoming;
  return incoming !== undefined && incoming.httpVersion !== '1.0' && incoming.method !== 'HEAD';
}

/**
 * Sets a field of the response that no plain object can carry, which is what Hono's server makes of all fields; false where it is another, which it can. Node's own
 * response can.
 */
export function setBeside(c: Context<HostContext>, name: string, value: string): boolean {
  if (name !== '__proto__') return false;
  connectionOf(c)?.outgoing.appendHeader(name, value);
  return true;
}

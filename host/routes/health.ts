import { Hono } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import { describe } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** Liveness and readiness, for anyone. */
export function healthRoutes({ draining }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  const ok = { description: 'Yes', types: ['text/plain'] };

  routes.get(
    '/healthz',
    describe({ summary: 'Whether the host lives', tag: 'cloudlet', anonymous: true, answers: { 200: ok } }),
    (c) => c.text('ok\n'),
  );

  routes.get(
    '/readyz',
    describe({
      summary: 'Whether the host takes work',
      tag: 'cloudlet',
      anonymous: true,
      answers: { 200: ok },
      errors: ['starting', 'draining'],
    }),
    (c) => {
      if (draining.aborted) throw shuttingDown();
      return c.text('ready\n');
    },
  );
  return routes;
}

/** What work is told that comes during shutdown. */
export function shuttingDown(): CloudletError {
  return new CloudletError(
    'draining',
    'the cloudlet is shutting down and takes no more work; try again when it is back',
    { retryAfterS: 5 },
  );
}

import { type Context, Hono } from 'hono';
import { CloudletError, parseName } from '../../guest-sdk/protocol/index.ts';
import { commandAnswer } from '../http/answer.ts';
import type { HostContext } from '../http/connection.ts';
import { optionsOf } from '../http/invoke-options.ts';
import { invocationInput, refuseEncodedBody } from '../http/request-body.ts';
import { describe, TRACE_PARAMETER } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

/** Commands: the body is stdin, the answer is stdout. */
export function runRoutes(parts: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.post(
    '/v1/functions/:name/run',
    describe({
      summary:
        'Run a command component; its exit status comes in Cloudlet-Exit-Code, as header or, after long output, as trailer',
      tag: 'invocations',
      parameters: [
        { in: 'query', name: 'arg', description: 'One argument of the command; may be repeated', many: true },
        { in: 'header', name: 'Cloudlet-Deadline-Ms', description: "Deadline below the function's own, milliseconds" },
        { in: 'header', name: 'Idempotency-Key', description: 'Allows one retry by the host' },
        TRACE_PARAMETER,
        {
          in: 'header',
          name: 'TE',
          description: 'trailers: send output as it comes, with the exit status in the trailer',
        },
      ],
      body: { description: 'stdin', types: ['application/octet-stream', '*/*'] },
      answers: { 200: { description: 'stdout', types: ['application/octet-stream'] } },
      errors: [
        'function-unknown',
        'door-mismatch',
        'body-too-large',
        'guest-trapped',
        'machine-failed',
        'at-capacity',
        'starting',
        'deadline-exceeded',
      ],
    }),
    async (c) => {
      refuseEncodedBody(c);
      const input = invocationInput(c, parts.limits.bodyBytes);
      const request = { door: 'run', arguments: commandArguments(c) } as const;
      const invocation = await parts.cloudlet.invoke(parseName(c.req.param('name')), request, input, optionsOf(c));
      return await commandAnswer(c, invocation);
    },
  );
  return routes;
}

function commandArguments(c: Context<HostContext>): string[] {
  const { arg = [], ...unknown } = c.req.queries();
  const [name] = Object.keys(unknown);
  if (name === undefined) return arg;
  throw new CloudletError('request-invalid', `expected only ?arg=… here, got ${JSON.stringify(name.slice(0, 60))}`);
}

import { type Context, Hono } from 'hono';
import { Arguments, parseName, readMessagePack, writeMessagePack } from '../../guest-sdk/protocol/index.ts';
import type { CallResult, ValueFormat } from '../../runtime/index.ts';
import type { HostContext } from '../http/connection.ts';
import { optionsOf } from '../http/invoke-options.ts';
import { negotiate, requireMediaType } from '../http/media-type.ts';
import { wholeResponse } from '../http/protection.ts';
import { parseJson, parseWith, readBody, refuseEncodedBody } from '../http/request-body.ts';
import { serverTiming } from '../http/server-timing.ts';
import { invocationHeaders } from '../http/trace-headers.ts';
import { describe, TRACE_PARAMETER } from '../openapi.ts';
import type { HostParts } from '../parts.ts';

const FORMATS = {
  'application/json': 'json',
  'application/msgpack': 'msgpack',
  'application/vnd.msgpack': 'msgpack',
  'application/x-msgpack': 'msgpack',
} as const satisfies Record<string, ValueFormat>;
const ANSWER_TYPES = Object.keys(FORMATS) as readonly (keyof typeof FORMATS)[];

/** Typed calls: an export with arguments, in JSON or MessagePack. */
export function callRoutes({ cloudlet, limits }: HostParts): Hono<HostContext> {
  const routes = new Hono<HostContext>();
  routes.post(
    '/v1/functions/:name/call/:export',
    describe({
      summary: 'Call a typed export: "fn", or "interface.fn" percent-encoded',
      tag: 'invocations',
      parameters: [
        { in: 'header', name: 'Cloudlet-Deadline-Ms', description: "Deadline below the function's own, milliseconds" },
        { in: 'header', name: 'Idempotency-Key', description: 'Allows one retry by the host' },
        TRACE_PARAMETER,
      ],
      body: {
        description: 'The arguments, in order',
        types: ['application/json', 'application/msgpack'],
        schema: Arguments,
      },
      answers: {
        200: {
          description: 'The result; a typed error is {"err": …}',
          types: ['application/json', 'application/msgpack'],
        },
      },
      errors: [
        'argument-invalid',
        'unsupported-type',
        'function-unknown',
        'export-unknown',
        'door-mismatch',
        'not-acceptable',
        'body-too-large',
        'media-type-unsupported',
        'guest-trapped',
        'result-too-large',
        'machine-failed',
        'at-capacity',
        'starting',
        'deadline-exceeded',
      ],
    }),
    async (c) => {
      const answerType = negotiate(c.req.header('accept'), ANSWER_TYPES);
      const { format, args } = await readArguments(c, limits.valueBytes);
      const result = await cloudlet.call(parseName(c.req.param('name')), c.req.param('export'), args, {
        ...optionsOf(c),
        argumentFormat: format,
        resultFormat: FORMATS[answerType],
      });
      const body = encode(result.value, FORMATS[answerType]);
      return wholeResponse(c, 200, body, { ...resultHeaders(result), 'content-type': answerType });
    },
  );
  return routes;
}

/** No body and no type means no arguments, so that a call without any is just a POST. */
async function readArguments(
  c: Context<HostContext>,
  maxBytes: number,
): Promise<{ format: ValueFormat; args: unknown[] }> {
  refuseEncodedBody(c);
  const contentType = c.req.header('content-type');
  // Refused before the body is read: a wrong type is wrong whatever follows.
  const format = contentType === undefined ? null : requireMediaType(contentType, FORMATS);
  const bytes = await readBody(c, maxBytes);
  if (format === null && bytes.length > 0) requireMediaType(undefined, FORMATS);
  if (format === null) return { format: 'json', args: [] };
  const value = format === 'json' ? parseJson(bytes) : readMessagePack(bytes);
  return { format, args: parseWith(Arguments, value) };
}

function encode(value: unknown, format: ValueFormat): Uint8Array<ArrayBuffer> | string {
  return format === 'json' ? JSON.stringify(value ?? null) : (writeMessagePack(value) as Uint8Array<ArrayBuffer>);
}

function resultHeaders(result: CallResult): Record<string, string> {
  return {
    ...invocationHeaders(result),
    'cloudlet-function-version': String(result.version),
    'server-timing': serverTiming(result.timing, result.timing.runMs),
    'cache-control': 'no-store',
  };
}

import type { Hono, MiddlewareHandler } from 'hono';
import { describeRoute, generateSpecs, resolver } from 'hono-openapi';
import type { GenericSchema } from 'valibot';
import { ERRORS, type ErrorCode, Problem } from '../guest-sdk/protocol/index.ts';
import type { HostContext } from './http/connection.ts';
import { PROBLEM_TYPE } from './problem.ts';

/** A body as described: its media types, and the schema that it is checked with when it is plain data. */
export interface DescribedBody {
  readonly description: string;
  readonly types?: readonly string[];
  readonly schema?: GenericSchema;
}

/** A query parameter or header that a route reads. */
export interface DescribedParameter {
  readonly in: 'query' | 'header';
  readonly name: string;
  readonly description: string;
  readonly many?: boolean;
}

/** What invocations take of W3C Trace Context. */
export const TRACE_PARAMETER: DescribedParameter = {
  in: 'header',
  name: 'traceparent',
  description: "The caller's place in a trace (W3C Trace Context, with tracestate); the answer has the invocation's",
};

/** What a route says about itself. Errors that any route may give need no mention. */
export interface RouteDescription {
  readonly summary: string;
  readonly tag: 'cloudlet' | 'deployments' | 'functions' | 'invocations' | 'registry' | 'services' | 'store' | 'trust';
  readonly anonymous?: boolean;
  readonly parameters?: readonly DescribedParameter[];
  readonly body?: DescribedBody;
  readonly answers: Readonly<Record<number, DescribedBody>>;
  readonly errors?: readonly ErrorCode[];
}

const EVERYWHERE: readonly ErrorCode[] = ['request-invalid', 'forbidden', 'internal'];
const WITH_SESSION: readonly ErrorCode[] = ['unauthorized', 'too-many-attempts', 'draining'];

/** Documents a route, with the same schemas that validate it. */
export function describe(route: RouteDescription): MiddlewareHandler<HostContext> {
  const errors = [...EVERYWHERE, ...(route.anonymous === true ? [] : WITH_SESSION), ...(route.errors ?? [])];
  return describeRoute({
    summary: route.summary,
    tags: [route.tag],
    ...(route.anonymous === true ? { security: [] } : {}),
    ...(route.parameters === undefined ? {} : { parameters: route.parameters.map(parameter) }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { description: route.body.description, required: true, content: content(route.body) ?? {} } }),
    responses: { ...problems(errors), ...answers(route.answers) },
  });
}

/** The whole description, OpenAPI 3.1. */
export async function openApiDocument(app: Hono<HostContext>, version: string): Promise<unknown> {
  return await generateSpecs(app, {
    excludeStaticFile: false,
    documentation: {
      info: { title: 'Cloudlet', version, description: 'Publish WASI components to a nearby computer and call them.' },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', description: "The owner's token, or a session." } },
      },
      security: [{ token: [] }],
      paths: {
        '/f/{name}/{path}': door('F', "component's http handler"),
        '/s/{name}/{path}': door('S', "service's server, which may also agree to a WebSocket"),
      },
    },
  });
}

function answers(
  described: Readonly<Record<number, DescribedBody>>,
): Record<string, { description: string; content?: Record<string, { schema?: ReturnType<typeof resolver> }> }> {
  return Object.fromEntries(
    Object.entries(described).map(([status, body]) => {
      const types = content(body);
      return [status, { description: body.description, ...(types === undefined ? {} : { content: types }) }];
    }),
  );
}

function content(body: DescribedBody): Record<string, { schema?: ReturnType<typeof resolver> }> | undefined {
  const types = body.types ?? (body.schema === undefined ? [] : ['application/json']);
  if (types.length === 0) return undefined;
  return Object.fromEntries(
    types.map((type) => [type, body.schema === undefined ? {} : { schema: resolver(body.schema) }]),
  );
}

function problems(codes: readonly ErrorCode[]): ReturnType<typeof answers> {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code].status);
  return answers(
    Object.fromEntries(
      [...byStatus].map(([status, all]) => [
        status,
        { description: all.join(', '), types: [PROBLEM_TYPE], schema: Problem },
      ]),
    ),
  );
}

function parameter(one: DescribedParameter): { in: string; name: string; description: string; schema: object } {
  const schema = one.many === true ? { type: 'array', items: { type: 'string' } } : { type: 'string' };
  return { in: one.in, name: one.name, description: one.description, schema };
}

/** A door takes every method, which a route of Hono's `all` cannot say for itself. `whose`: what is behind it. */
function door(letter: 'F' | 'S', whose: string): Record<string, object> {
  const parameters = ['name', 'path'].map((name) => ({ in: 'path', name, required: true, schema: { type: 'string' } }));
  const operation = (method: string): object => ({
    operationId: `${method}${letter}ByNameByPath`,
    summary: `Send a request to a ${whose}; it sees the path after the name`,
    tags: [letter === 'F' ? 'invocations' : 'services'],
    responses: { default: { description: 'Its own answer, or a problem document' } },
  });
  const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];
  return { parameters, ...Object.fromEntries(methods.map((method) => [method, operation(method)])) };
}

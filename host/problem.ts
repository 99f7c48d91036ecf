import type { ErrorHandler, NotFoundHandler } from 'hono';
import { CloudletError, ERRORS, type ErrorCode, type Problem } from '../guest-sdk/protocol/index.ts';
import type { InvocationIdentity } from '../runtime/index.ts';
import { RangeUnsatisfiable } from './http/byte-range.ts';
import { REGISTRY_PATH, registryProblem } from './http/registry-answer.ts';
import { invocationHeaders } from './http/trace-headers.ts';
import type { Journal } from './journal.ts';

/** Media type of every error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';

/**
 * The problem document of an error; `instance` is the invocation that failed, or the path that was asked for when none had begun,
 * without its query, which may hold input.
 */
export function problemOf(error: CloudletError, instance: string): Problem {
  const { status, title } = ERRORS[error.code];
  return { type: `urn:cloudlet:error:${error.code}`, title, status, detail: error.message, code: error.code, instance };
}

/** Headers that belong to an error: what to send to be let in, which methods there are, when to come back. */
export function problemHeaders(error: CloudletError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' };
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="cloudlet"';
  if (error instanceof RangeUnsatisfiable) headers['content-range'] = `bytes */${error.bytes}`;
  if (error instanceof MethodNotAllowed) headers['allow'] = error.allow.join(', ');
  const retryAfterS = error.retryAfterS ?? (error.traits.status === 503 && error.traits.retryable ? 1 : undefined);
  if (retryAfterS !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterS)));
  return headers;
}

/** An address that exists, asked with a method it does not have. */
export class MethodNotAllowed extends CloudletError {
  readonly allow: readonly string[];

  constructor(method: string, allow: readonly string[]) {
    super('method-not-allowed', `expected ${allow.join(' or ')} at this address, got ${method}`);
    this.allow = allow;
  }
}

/** The one place where anything thrown becomes a response. */
export function problemHandler(journal: Journal): ErrorHandler {
  return (thrown, c) => {
    const error = errorForCaller(thrown, c.req, journal);
    if (REGISTRY_PATH.test(c.req.path)) return registryProblem(error, problemHeaders(error));
    const invocation: InvocationIdentity | undefined = c.get('invocation');
    if (invocation === undefined) return problemResponse(error, c.req.path);
    return problemResponse(error, `/v1/invocations/${invocation.id}`, invocationHeaders(invocation));
  };
}

/** An error as a response. */
export function problemResponse(
  error: CloudletError,
  instance: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(problemOf(error, instance)), {
    status: ERRORS[error.code].status,
    headers: { ...problemHeaders(error), ...headers },
  });
}

/** Says that there is nothing at an address, or, when other methods are served there, which. */
export function unknownRoute(methodsAt: (path: string) => readonly string[]): NotFoundHandler {
  return (c) => {
    const allow = methodsAt(c.req.path);
    if (allow.length > 0 && !allow.includes(c.req.method)) throw new MethodNotAllowed(c.req.method, allow);
    throw new CloudletError('not-found', `there is nothing at ${c.req.path}; GET /openapi.json lists what there is`);
  };
}

/** What a caller is told of anything thrown. What is not for callers goes to the journal under a reference that he is told. */
export function errorForCaller(
  thrown: unknown,
  { method, path }: { readonly method: string; readonly path: string },
  journal: Journal,
): CloudletError {
  if (thrown instanceof CloudletError && thrown.code !== 'internal') return thrown;
  const reference = crypto.randomUUID();
  journal.error('request failed', { reference, method, path }, thrown);
  const code: ErrorCode = 'internal';
  return new CloudletError(code, `the cloudlet failed; its journal says why under ${reference}`, { cause: thrown });
}

import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { InvokeOptions } from '../../runtime/index.ts';
import type { HostContext } from './connection.ts';
import { traceParent } from './trace-headers.ts';

/**
 * What a caller may say about an invocation in its headers: a shorter deadline, a version, that running it twice does no harm, its trace.
 * The request's context is told which invocation it became.
 */
export function invokeOptions(c: Context<HostContext>): InvokeOptions {
  const deadlineMs = deadline(c.req.header('cloudlet-deadline-ms'));
  return {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    idempotent: isIdempotent(c.req.header('idempotency-key')),
    trace: traceParent(c),
    begun: (invocation) => c.set('invocation', invocation),
    choice: { ...versionOf(c.req.header('cloudlet-version')), header: (name) => c.req.header(name) },
    signal: c.req.raw.signal,
  };
}

function deadline(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (ms > 0) return ms;
  throw new CloudletError(
    'request-invalid',
    `expected Cloudlet-Deadline-Ms to be a whole number of milliseconds above 0, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

function versionOf(text: string | undefined): { readonly version?: number } {
  if (text === undefined) return {};
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) };
  throw new CloudletError(
    'request-invalid',
    `expected Cloudlet-Version to be the number of a version, got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

function isIdempotent(key: string | undefined): boolean {
  if (key === undefined) return false;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return true;
  throw new CloudletError('request-invalid', 'expected Idempotency-Key to be 1 to 255 visible ASCII characters');
}

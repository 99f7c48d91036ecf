import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { InvokeOptions } from '../../runtime/index.ts';
import type { HostContext } from './connection.ts';
import { traceParent } from './trace-headers.ts';

/** The header of a request, of which a field is asked by its name. */
export interface AskedHeader {
  readonly header: (name: string) => string | undefined;
}

/**
 * What a caller may say about an invocation in its headers: a shorter deadline, a version, that running it twice does no harm, its trace.
 * `begun` is told which invocation it became; `signal` tells when it leaves.
 */
export function invokeOptions(
  asked: AskedHeader,
  begun: NonNullable<InvokeOptions['begun']>,
  signal: NonNullable<InvokeOptions['signal']>,
): InvokeOptions {
  const { deadlineMs, idempotent, trace, choice } = saidOptions(asked);
  return { deadlineMs, idempotent, trace, begun, choice, signal };
}

/** What of the options a request's headers say. */
export type SaidOptions = Pick<Required<InvokeOptions>, 'deadlineMs' | 'idempotent' | 'trace' | 'choice'>;

/** Reads it; `request-invalid` for what they may not say. */
export function saidOptions(asked: AskedHeader): SaidOptions {
  return {
    deadlineMs: deadline(asked.header('cloudlet-deadline-ms')),
    idempotent: isIdempotent(asked.header('idempotency-key')),
    trace: traceParent(asked),
    choice: { version: versionOf(asked.header('cloudlet-version')), header: (name) => asked.header(name) },
  };
}

/** The same for a request of Hono's, whose context is told. */
export function optionsOf(c: Context<HostContext>): InvokeOptions {
  return invokeOptions(c.req, (invocation) => c.set('invocation', invocation), c.req.raw.signal);
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

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
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

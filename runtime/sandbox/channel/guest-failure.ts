import { CloudletError, isErrorCode } from '../../../guest-sdk/protocol/index.ts';
import type { Interrupt, LostMessage } from '../../agent/wire.ts';

/** Codes that an agent may give to an invocation; any other would be the agent speaking for the cloudlet. */
const GUEST_CODES: ReadonlySet<string> = new Set([
  'argument-invalid',
  'at-capacity',
  'client-closed',
  'cpu-exceeded',
  'deadline-exceeded',
  'export-unknown',
  'door-mismatch',
  'guest-response-invalid',
  'guest-trapped',
  'limit-exceeded',
  'machine-failed',
  'memory-exceeded',
  'result-too-large',
]);

/** Codes of failures that what a guest lacks may have led to. */
const MAY_LACK: ReadonlySet<string> = new Set(['guest-trapped', 'guest-response-invalid']);

/** The failure that an agent told of, as far as it may: any other is the agent's own. `lacks` says what the guest was not granted, or did not find. */
export function guestFailure(code: string, detail: string, lacks: string | null = null): CloudletError {
  if (isErrorCode(code) && GUEST_CODES.has(code))
    return new CloudletError(code, lacks !== null && MAY_LACK.has(code) ? `${detail}; ${lacks}` : detail);
  return new CloudletError(
    'machine-failed',
    `the agent ended the invocation with an unknown code: ${JSON.stringify(code.slice(0, 64))}`,
  );
}

/** A guest has answered, or is to answer, with more bytes than its function may. */
export function answerTooLarge(limitBytes: number, declaredBytes?: number): CloudletError {
  const got = declaredBytes === undefined ? 'more' : `${declaredBytes} declared`;
  const sentence = `expected an answer of at most ${limitBytes} bytes, got ${got}; answer with less, or raise the function's "answerBytes"`;
  return new CloudletError('result-too-large', sentence);
}

/** A caller has left while its invocation ran. */
export function callerLeft(): CloudletError {
  return new CloudletError('client-closed', 'the caller left before the answer was complete');
}

/** What an invocation failed of whose worker is gone; null when its answer should have come before that, and did not. */
export function workerLoss(
  lost: LostMessage | null,
  id: number,
  deadlineMs: number,
): { readonly code: 'machine-failed' | 'guest-trapped' | Interrupt; readonly detail: string } {
  if (lost === null || (lost.id !== 0 && lost.id !== id))
    return { code: 'machine-failed', detail: 'the worker was lost' };
  const { why, reason } = lost;
  if (why === null) return { code: 'guest-trapped', detail: `the function ended its worker: ${reason}` };
  const detail =
    why === 'deadline-exceeded' ? `the function did not finish within ${deadlineMs} ms` : 'the caller left';
  return { code: why, detail };
}

import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { HeadMessage, InvokeRequest } from '../../agent/wire.ts';
import { answerTooLarge } from '../channel/guest-failure.ts';

/**
 * Why the begin of an answer is not passed on: an http answer without a head, or another with one, which the agent's rules forbid; a body that
 * is declared longer than `answerBytes`. Null when it is. Pure.
 */
export function refusedHead(
  request: InvokeRequest,
  head: HeadMessage | null,
  answerBytes: number,
): CloudletError | null {
  if ((request.door === 'http') !== (head !== null)) {
    return new CloudletError('machine-failed', 'the agent gave an answer of another kind than was asked for');
  }
  // A HEAD tells the length of a body that does not come.
  if (head === null || request.door !== 'http' || request.method === 'HEAD') return null;
  const declared = declaredBytes(head);
  return declared > answerBytes ? answerTooLarge(answerBytes, declared) : null;
}

/** What the first `content-length` says; 0 without one. Whether it is a length at all, the host checks. */
function declaredBytes({ headers }: HeadMessage): number {
  const field = headers.find(([name]) => name.length === 14 && name.toLowerCase() === 'content-length');
  return field === undefined ? 0 : Number(Buffer.from(field[1]).toString('latin1')) || 0;
}

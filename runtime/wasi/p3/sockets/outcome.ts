import type { Context } from '../../context.ts';
import { type Pending, type SocketErrorCode, SocketFailure } from '../../sockets/network-backend.ts';

/** `wasi:sockets/types#error-code` and `wasi:sockets/ip-name-lookup#error-code` of WASI 0.3. */
export type SocketError =
  | { readonly tag: Exclude<SocketErrorCode, (typeof OTHERS)[number]> | 'connection-broken' }
  | { readonly tag: 'other'; readonly val: string | undefined };

/** Codes of WASI 0.2 that 0.3 has no more. */
const OTHERS = ['unknown', 'concurrency-conflict', 'not-in-progress', 'would-block', 'new-socket-limit'] as const;

/** The error of 0.3 for a code of 0.2. */
export function socketErrorOf(code: SocketErrorCode): SocketError {
  const other = OTHERS.find((each) => each === code);
  if (other !== undefined) return { tag: 'other', val: other === 'unknown' ? undefined : other };
  return { tag: code as Exclude<SocketErrorCode, (typeof OTHERS)[number]> };
}

/** What comes of something that takes its time; throws the guest's error. It is not wanted any more when the instance ends. */
export async function outcomeOf<Result>(context: Context, pending: Pending<Result>): Promise<Result> {
  const forget = context.atClose(() => pending.cancel());
  try {
    return await pending.result;
  } catch (error) {
    throw socketErrorOf(error instanceof SocketFailure ? error.code : 'unknown');
  } finally {
    forget();
  }
}

/** What `operation` gives, with the errors of 0.3 for the codes of 0.2. */
export function coded<Result>(operation: () => Result): Result {
  try {
    return operation();
  } catch (error) {
    if (error instanceof SocketFailure) throw socketErrorOf(error.code);
    throw typeof error === 'string' ? socketErrorOf(error as SocketErrorCode) : error;
  }
}

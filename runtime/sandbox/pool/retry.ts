import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../agent/wire.ts';

/** Methods whose requests may be repeated without asking: RFC 9110, section 9.2.2. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

/** How far an invocation had come when its sandbox was lost. */
export interface Progress {
  /** The sandbox may have begun to run it. */
  readonly begun: boolean;
  /** A head or a byte of its answer has come. */
  readonly answering: boolean;
  /** Something was done for it outside of its sandbox. */
  readonly reachedOutside: boolean;
  /** Its input can still be had from the start. */
  readonly intact: boolean;
}

/** Whether running this request twice does no harm: its http method says so, or its caller did (`Idempotency-Key`). Pure. */
export function mayRepeat(request: InvokeRequest, idempotent: boolean): boolean {
  return idempotent || (request.door === 'http' && IDEMPOTENT_METHODS.has(request.method.toUpperCase()));
}

/** Whether an invocation that failed may be tried once more in another sandbox. What had not begun always may. Pure. */
export function canRetry(error: unknown, repeatable: boolean, progress: Progress): boolean {
  if (!(error instanceof CloudletError) || !error.traits.poisons || !progress.intact) return false;
  if (progress.answering || progress.reachedOutside) return false;
  // What a guest did to its sandbox it would do again.
  return !progress.begun || (repeatable && error.traits.retryable);
}

import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** The error for work that was given up: the signal's own when it is one of the table, else `client-closed`. */
export function abortError(signal: AbortSignal): CloudletError {
  if (signal.reason instanceof CloudletError) return signal.reason;
  return new CloudletError('client-closed', 'the caller left before the work was done', { cause: signal.reason });
}

/**
 * The same items, but waiting for the next one ends with `abortError` when the signal fires: a sender that went silent holds
 * nothing up. The source is told to finish in every case; after an abort that is not waited for, because its pending read
 * may never settle.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T, void, void> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {}); // Also observed by each race below; without a race in progress nobody has to hear it.
  const abort = () => reject(abortError(signal));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let finished = false;
  try {
    for (;;) {
      const next = await Promise.race([aborted, iterator.next()]);
      if (next.done === true) {
        finished = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    if (!finished) {
      const returned = iterator.return?.();
      if (signal.aborted) returned?.catch(() => {});
      else await returned;
    }
  }
}

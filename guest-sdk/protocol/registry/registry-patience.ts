import { CloudletError } from '../errors.ts';
import type { Transport, TransportRequest, TransportResponse } from '../transport.ts';

/** Asks, and gives up with `network-unavailable` when nothing comes for `idleMs`: neither an answer nor more of its body. */
export async function impatient(
  transport: Transport,
  request: TransportRequest,
  idleMs: number,
): Promise<TransportResponse> {
  const ended = new AbortController();
  const signal = request.signal == null ? ended.signal : AbortSignal.any([request.signal, ended.signal]);
  const silent = new CloudletError(
    'network-unavailable',
    `${new URL(request.url).origin}: expected a registry that goes on, nothing came for ${Math.ceil(idleMs / 1000)} s; try again later`,
  );
  const within = async <T>(waited: Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(silent);
      ended.abort(silent);
    }, idleMs);
    waited.catch(() => {
      // Whoever was told that nothing comes does not ask what became of it.
    });
    try {
      return await Promise.race([waited, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  // What is sent may take long; a body that is on its way is no silence.
  const asked = transport({ ...request, signal });
  const response = request.body === undefined ? await within(asked) : await asked;
  return {
    status: response.status,
    header: response.header,
    trailer: response.trailer,
    body: {
      async *[Symbol.asyncIterator]() {
        const pieces = response.body[Symbol.asyncIterator]();
        let isOver = false;
        try {
          for (;;) {
            const next = await within(pieces.next());
            isOver = next.done === true;
            if (next.done === true) return;
            yield next.value;
          }
        } finally {
          // Not waited for: a reader that is stuck would not return either.
          if (!isOver) void pieces.return?.()?.catch(() => {});
        }
      },
    },
  };
}

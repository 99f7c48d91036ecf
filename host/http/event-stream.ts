/** One server-sent event; `data` goes as JSON. */
export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

/** How often a silent stream says that it lives, so that a dead connection is noticed and proxies keep it open. */
const HEARTBEAT_MS = 15_000;

/** Headers of every event stream. */
const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/**
 * An answer of server-sent events, one for each item, ending with the items. A slow reader slows the source.
 * `stop` is called once when the reader leaves, because an iterator that waits cannot be told otherwise.
 */
export function eventStream(events: AsyncIterable<ServerEvent>, stop: () => void): Response {
  const iterator = events[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let heartbeat: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(heartbeat);
    stop();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // A first comment makes the head leave at once: a browser only then says that the stream is open.
        controller.enqueue(encoder.encode(': open\n\n'));
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) >= 0) controller.enqueue(encoder.encode(': alive\n\n'));
        }, HEARTBEAT_MS);
      },
      async pull(controller) {
        const next = await iterator.next().catch((error: unknown) => {
          end();
          throw error;
        });
        if (!next.done) return controller.enqueue(encoder.encode(formatEvent(next.value)));
        end();
        controller.close();
      },
      async cancel() {
        end();
        await iterator.return?.();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

/** The lines of one event. JSON has no line breaks of its own, so one `data` line holds it. */
export function formatEvent(event: ServerEvent): string {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

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
 * An answer of server-sent events, one for each item of the source, ending with it. A slow reader slows the source.
 * The source is opened at the first read, since a HEAD never reads, and its signal aborts when the reader has left or all is said.
 */
export function eventStream(open: (left: AbortSignal) => AsyncIterable<ServerEvent>): Response {
  const encoder = new TextEncoder();
  const left = new AbortController();
  let events: AsyncIterator<ServerEvent> | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(heartbeat);
    left.abort();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (events === undefined) {
          events = open(left.signal)[Symbol.asyncIterator]();
          heartbeat = setInterval(() => {
            // Only to a reader that waits: one that has stalled would be sent a heap of them.
            if (controller.desiredSize === 0) controller.enqueue(encoder.encode(': alive\n\n'));
          }, HEARTBEAT_MS);
          // A first comment makes a browser say that the stream is open.
          controller.enqueue(encoder.encode(': open\n\n'));
          return;
        }
        const next = await events.next().catch((error: unknown) => {
          end();
          throw error;
        });
        if (!next.done) return controller.enqueue(encoder.encode(formatEvent(next.value)));
        end();
        controller.close();
      },
      async cancel() {
        end();
        await events?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

/** The lines of one event. JSON has no line breaks of its own, so one `data` line holds it. */
export function formatEvent(event: ServerEvent): string {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

import type { BodySource } from '../body.ts';
import { errorText } from '../error-text.ts';
import { type HttpFunction, respond } from '../http-function.ts';
import { Request } from '../request.ts';
import { Response } from '../response.ts';

type Native = typeof globalThis;

/** The event that StarlingMonkey raises for a request. */
interface FetchEvent extends Event {
  readonly request: InstanceType<Native['Request']>;
  respondWith(response: Promise<InstanceType<Native['Response']>>): void;
}

/** Serves the engine's fetch events by a function, whose requests and responses are the library's own: they act alike on both engines. */
export function listen(app: HttpFunction): void {
  addEventListener('fetch', (event) => (event as FetchEvent).respondWith(serve(app, (event as FetchEvent).request)));
}

async function serve(app: HttpFunction, native: FetchEvent['request']): Promise<InstanceType<Native['Response']>> {
  const request = new Request(native.url, {
    method: native.method,
    headers: [...native.headers.entries()],
    body: native.body === null ? null : receive(native.body),
  });
  const response = await respond(app, request, (error) => console.error(errorText(error)), Response);
  return new globalThis.Response(response.body === null ? null : send(response.body), {
    status: response.status,
    headers: [...response.headers],
  });
}

async function* receive(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function send(source: BodySource): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

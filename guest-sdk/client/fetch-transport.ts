import { CloudletError } from '../protocol/index.ts';
import type { BodySource, Transport } from './transport.ts';

/** Sends requests with `fetch`, which every platform has. It shows no trailers, and sends a streamed body only where the platform can. */
export function fetchTransport(fetchFunction: typeof fetch = fetch): Transport {
  return async ({ method, url, headers, body, signal }) => {
    let response: Response;
    try {
      response = await fetchFunction(url, {
        method,
        headers,
        redirect: 'manual',
        ...(signal === undefined ? {} : { signal }),
        ...(body === undefined ? {} : bodyInit(body)),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw new CloudletError('network-unavailable', `no cloudlet answers at ${new URL(url).origin}`, { cause: error });
    }
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: response.body ?? noBody(),
      trailer: () => null,
    };
  };
}

/** `duplex` is what the standard asks for with a stream; TypeScript's DOM does not know it yet. */
function bodyInit(body: BodySource): { readonly body: BodyInit; readonly duplex?: 'half' } {
  if (body instanceof Uint8Array) return { body: body as Uint8Array<ArrayBuffer> };
  return { body: streamOf(body), duplex: 'half' };
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    pull: async (controller) => {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: async () => {
      await iterator.return?.();
    },
  });
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

/** How a request gets to a server and its answer back: the one thing that differs between a browser, a phone and Node. */
import { CloudletError } from './errors.ts';

/** What a body may be sent from. */
export type BodySource = Uint8Array | AsyncIterable<Uint8Array>;

/** A request as a transport sends it. */
export interface TransportRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: BodySource | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body may still be on its way. */
export interface TransportResponse {
  readonly status: number;
  /** The value of a header (name in lower case), or null. */
  readonly header: (name: string) => string | null;
  /** Read at most once. Ends with an error when the connection breaks before its end. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The value of a trailer once the body was read, or null: also where a transport cannot see trailers. */
  readonly trailer: (name: string) => string | null;
}

/**
 * Sends a request and resolves with the head of its answer, whatever its status. Rejects with `network-unavailable` when nothing
 * answers, and with the signal's reason when it aborts.
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

/** All bytes of a body; `result-too-large` once there are more than `maxBytes`, because whoever answers decides how many come. */
export async function readWhole(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new CloudletError('result-too-large', `expected an answer of at most ${maxBytes} bytes, got more`);
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

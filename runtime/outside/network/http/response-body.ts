import type { IncomingMessage } from 'node:http';
import { isForbiddenField } from '../../../wasi/http/field.ts';
import type { ByteSink } from '../../../wasi/index.ts';
import { Arrivals, handOn } from '../arrivals.ts';
import { type Field, MAX_FIELDS } from '../messages.ts';
import { httpRefusal } from './http-refusal.ts';

/** What an answer's body may take. */
export interface ResponseBodyLimits {
  readonly responseBodyBytes: number;
  /** Until more comes. */
  readonly betweenBytesMs: number;
}

/** The headers of an answer for the guest. Throws an `OutsideRefusal` when they are too many. */
export function headersOf(response: IncomingMessage): Field[] {
  return fieldsOf(response.rawHeaders, listedByConnection(response));
}

/**
 * Hands the body on as fast as the guest reads it, and gives the trailers. Closes the sink in any case. Rejects when the body is not complete,
 * or `StreamFailure` when nobody reads it.
 */
export async function forwardBody(
  response: IncomingMessage,
  sink: ByteSink,
  limits: ResponseBodyLimits,
): Promise<readonly Field[]> {
  const arrivals = new Arrivals(
    response,
    () => response.complete,
    () => httpRefusal('HTTP-response-incomplete', 'the connection ended within the answer'),
  );
  let bytes = 0;
  try {
    for (;;) {
      const chunk = response.read() as Uint8Array | null;
      if (chunk !== null) {
        bytes += chunk.length;
        if (bytes > limits.responseBodyBytes) {
          throw httpRefusal(
            'HTTP-response-body-size',
            `the body of the answer is limited to ${limits.responseBodyBytes} bytes`,
          );
        }
        await handOn(chunk, sink, arrivals);
      } else if (arrivals.ended) {
        break;
      } else {
        await arrivals.next(limits.betweenBytesMs);
      }
    }
    return fieldsOf(response.rawTrailers, listedByConnection(response));
  } finally {
    sink.close();
  }
}

/** Leaves out what belongs to the connection. */
function fieldsOf(raw: readonly string[], listed: ReadonlySet<string>): Field[] {
  if (raw.length > 2 * MAX_FIELDS) {
    throw httpRefusal('HTTP-response-header-section-size', `the answer has more than ${MAX_FIELDS} fields`);
  }
  const fields: Field[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const lower = raw[at]!.toLowerCase();
    if (isForbiddenField(lower) || listed.has(lower)) continue;
    fields.push([raw[at]!, Buffer.from(raw[at + 1]!, 'latin1')]);
  }
  return fields;
}

/** Names that the `connection` field declares to be of this connection alone. */
function listedByConnection({ headers }: IncomingMessage): ReadonlySet<string> {
  return new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

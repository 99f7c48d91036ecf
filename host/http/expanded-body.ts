import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from './connection.ts';
import { type BodyLimits, refuseEncodedBody, requestBody } from './request-body.ts';

/**
 * The bytes of a request's body, expanded when it says that they are in gzip. Both what comes and what it expands to are at most
 * `maxBytes`: `body-too-large` at the byte too many. `request-invalid` when it is no gzip.
 */
export function expandedBody(c: Context<HostContext>, limits: BodyLimits): AsyncIterable<Uint8Array> {
  if (c.req.header('content-encoding')?.toLowerCase() === 'gzip') return expanded(requestBody(c, limits), limits);
  refuseEncodedBody(c);
  return requestBody(c, limits);
}

async function* expanded(body: AsyncIterable<Uint8Array>, { maxBytes }: BodyLimits): AsyncGenerator<Uint8Array> {
  const gunzip = pipeline(Readable.from(body, { objectMode: false }), createGunzip(), () => {
    // Whoever reads sees the error, too.
  });
  let length = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes)
        throw new CloudletError(
          'body-too-large',
          `expected a body of at most ${maxBytes} bytes, got one that expands to more`,
        );
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw new CloudletError(
      'request-invalid',
      `expected a body in gzip as its Content-Encoding says, got other bytes (${(error as Error).message})`,
      { cause: error },
    );
  }
}

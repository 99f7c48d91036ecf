import { CloudletError, MAX_LINK_BYTES, SwallowedBytes } from '../protocol/index.ts';
import type { HostAddress } from './request.ts';

/** How fast the link to a cloudlet is. */
export interface LinkRate {
  /** From the cloudlet, bits a second. */
  readonly downBitsPerS: number;
  /** To the cloudlet, bits a second. */
  readonly upBitsPerS: number;
  /** From a request to the first byte of its answer, milliseconds. */
  readonly roundTripMs: number;
}

const PATH = '/v1/link';
/** Most that the platform fills with random bytes at once. */
const RANDOM_BYTES = 65_536;

/** Measures a link: receives so many bytes that nothing compresses, and sends as many. */
export async function measureLink(host: HostAddress, bytes: number, signal?: AbortSignal): Promise<LinkRate> {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > MAX_LINK_BYTES)
    throw new CloudletError('request-invalid', `expected a number of bytes from 1 to ${MAX_LINK_BYTES}, got ${bytes}`);
  const askedAt = performance.now();
  const answer = await host.send({ path: `${PATH}?bytes=${bytes}`, signal });
  let firstAt = 0;
  let received = 0;
  for await (const { length } of answer.body) {
    if (received === 0) firstAt = performance.now();
    received += length;
  }
  const downMs = performance.now() - askedAt;
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) };
  const sentAt = performance.now();
  await host.json(SwallowedBytes, { method: 'POST', path: PATH, headers, body: randomBytes(bytes), signal });
  const upMs = performance.now() - sentAt;
  return {
    downBitsPerS: Math.round((received * 8000) / downMs),
    upBitsPerS: Math.round((bytes * 8000) / upMs),
    roundTripMs: firstAt - askedAt,
  };
}

async function* randomBytes(total: number): AsyncGenerator<Uint8Array> {
  for (let left = total; left > 0; left -= RANDOM_BYTES)
    yield crypto.getRandomValues(new Uint8Array(Math.min(left, RANDOM_BYTES)));
}

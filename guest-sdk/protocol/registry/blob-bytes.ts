import { CloudletError } from '../errors.ts';
import type { Descriptor } from '../package/manifest.ts';
import type { TransportResponse } from '../transport.ts';
import type { RegistryAccess } from './registry-access.ts';

/** How long is waited for a registry that breaks off, each time that nothing more came, milliseconds; then it is given up. */
const PATIENCE_MS: readonly number[] = [250, 500, 1000, 2000, 4000];

/**
 * The bytes of a part from `start`, not compared with its digest. A connection that breaks is made again and gone on with by a range; a registry without
 * ranges sends all again, of which what was there is skipped. `package-invalid` for more bytes than the manifest says, `network-unavailable` when nothing
 * more comes.
 */
export async function* blobBytes(
  access: RegistryAccess,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  start = 0,
): AsyncGenerator<Uint8Array> {
  const { signal, wait } = access;
  let at = start;
  for (let tries = 0; at < size; tries += 1) {
    const before = at;
    try {
      const headers: Record<string, string> = at === 0 ? {} : { range: `bytes=${at}-${size - 1}` };
      const response = await access.ask({ path: `blobs/${digest}`, headers }, [200, 206]);
      for await (const piece of behind(response, at, size)) {
        at += piece.length;
        if (at > size) throw invalid(`a part of ${size} bytes with digest ${digest}, got more`);
        yield piece;
      }
      // An answer that ends as answers end is no break.
      if (at < size) throw invalid(`a part of ${size} bytes with digest ${digest}, got ${at}`);
    } catch (error) {
      signal?.throwIfAborted();
      // An address at which nobody answers at all is a mistake rather than a break.
      if (!isBreak(error) || (at === 0 && tries === 0)) throw error;
      if (at > before) tries = -1;
      else if (tries >= PATIENCE_MS.length) throw error;
      await wait(PATIENCE_MS[Math.max(0, tries)]!, signal);
    }
  }
}

/** The pieces of an answer from the byte that was asked for. */
async function* behind(response: TransportResponse, from: number, size: number): AsyncGenerator<Uint8Array> {
  const declared = response.header('content-length');
  if (response.status === 200 && declared !== null && Number(declared) !== size)
    throw invalid(`a part of ${size} bytes, got one of ${declared.slice(0, 20)}`);
  const range = response.header('content-range');
  if (response.status === 206 && Number(/^bytes (\d{1,15})-/.exec(range ?? '')?.[1]) !== from)
    throw invalid(`a range from ${from}, got ${JSON.stringify((range ?? 'none').slice(0, 60))}`);
  let skip = response.status === 206 ? 0 : from;
  for await (const piece of response.body) {
    const rest = piece.subarray(skip);
    skip = Math.max(0, skip - piece.length);
    if (rest.length > 0) yield rest;
  }
}

/** Whether asking again may help. What is no error of ours is the platform's way to say that a connection broke. */
function isBreak(error: unknown): boolean {
  return !(error instanceof CloudletError) || error.code === 'network-unavailable';
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `the registry: expected ${expected}`);
}

import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';

/** The same bytes, ended with an error of this code as soon as there are more than `limitBytes`. */
export async function* limitedBytes(
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
  code: ErrorCode,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > limitBytes) throw new CloudletError(code, `expected at most ${limitBytes} bytes, got more`);
    yield chunk;
  }
}

/** All bytes in one piece. */
export async function collectBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

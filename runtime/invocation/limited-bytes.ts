import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';
import type { CallInput } from '../sandbox/index.ts';

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

/** An input of at most so many bytes; `body-too-large` at once when it is at hand, else when it has come so far. */
export function limitedInput(input: CallInput, limitBytes: number): CallInput {
  if (!(input instanceof Uint8Array)) return limitedBytes(input, limitBytes, 'body-too-large');
  if (input.length <= limitBytes) return input;
  throw new CloudletError('body-too-large', `expected at most ${limitBytes} bytes, got ${input.length}`);
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

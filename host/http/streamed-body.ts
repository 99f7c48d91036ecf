import type { Context } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { passBody } from '../collector.ts';
import { breakConnection, type HostContext } from './connection.ts';

/** A function's body that has not the length which its function declared. */
export function notAsDeclared(declaredBytes: number, got: number | 'more'): CloudletError {
  return new CloudletError('guest-response-invalid', `expected ${declaredBytes} bytes as declared, got ${got}`);
}

/**
 * A body that is read only as fast as it is sent, and leaves its source when its reader leaves.
 * Holds the source to the length that was declared: a byte more would be taken for the next answer on the same connection.
 * `finish` runs after the last byte and before the end is sent.
 */
export function streamedBody(
  c: Context<HostContext>,
  output: AsyncIterator<Uint8Array>,
  declaredBytes: number | null,
  finish: () => Promise<void> = async () => {},
): ReadableStream<Uint8Array> {
  let sent = 0;
  const checked = async (): Promise<Uint8Array | null> => {
    const next = await output.next();
    if (!next.done) {
      sent += next.value.length;
      passBody(next.value.length);
    }
    if (declaredBytes !== null && (sent > declaredBytes || (next.done && sent < declaredBytes))) {
      await output.return?.();
      throw notAsDeclared(declaredBytes, next.done ? sent : 'more');
    }
    if (!next.done) return next.value;
    await finish();
    return null;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await checked();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk);
        } catch (error) {
          // With a socket, breaking it is the whole message: the head has left. Failing the stream too would make the adapter
          // write the error to its console and its text to the caller.
          if (!breakConnection(c)) controller.error(error);
        }
      },
      async cancel() {
        await output.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

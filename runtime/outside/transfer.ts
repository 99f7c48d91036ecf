import { setImmediate } from 'node:timers/promises';
import type { ByteSink, ByteSource } from '../wasi/index.ts';
import { OutsideRefusal } from './outside-service.ts';

/** Most bytes that are taken from a source at once. */
const READ_BYTES = 64 * 1024;

/** Bytes of a source as they come; each chunk is good until the next one is asked for. Ends when the signal fires, with its reason. */
export async function* chunksOf(source: ByteSource, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const aborted = whenAborted(signal);
  for (;;) {
    signal.throwIfAborted();
    const chunk = source.read(READ_BYTES);
    if (chunk === null) return;
    if (chunk.length > 0) yield chunk;
    else await Promise.race([source.wait(), aborted]);
  }
}

/** Exactly so many bytes of a source, which must end then. The caller has bounded the number. */
export async function readExactly(source: ByteSource, length: number, signal: AbortSignal): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const chunk of chunksOf(source, signal)) {
    if (chunk.length > length - at) throw new OutsideRefusal('invalid', `expected ${length} bytes, got more`);
    whole.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw new OutsideRefusal('invalid', `expected ${length} bytes, got ${at}`);
  return whole;
}

/** Writes all chunks into a sink as it takes them, and closes it, in any case. Begins in a later turn, so that the answer goes first. */
export async function sendAll(
  sink: ByteSink,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const aborted = whenAborted(signal);
  try {
    await setImmediate();
    for await (const chunk of chunks) {
      for (let rest = chunk; rest.length > 0; ) {
        signal.throwIfAborted();
        const room = sink.capacity;
        if (room === 0) await Promise.race([sink.wait(), aborted]);
        else {
          sink.write(rest.subarray(0, room));
          rest = rest.subarray(room);
        }
      }
    }
  } finally {
    sink.close();
  }
}

/** Resolves when the signal fires. */
function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

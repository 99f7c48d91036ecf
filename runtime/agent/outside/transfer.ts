import { type ByteSink, type ByteSource, StoreFailure, StreamFailure } from '../../wasi/index.ts';
import { type OutsideCall, OutsideError } from './outside.ts';

/** What the host's stores say, and the codes of `wasi:keyvalue` among it. */
const CODES: ReadonlySet<string> = new Set(['no-such-store', 'access-denied']);

/** The host's refusal as a backend throws it. Other errors come back as they are. */
export function asStoreFailure(error: unknown): unknown {
  if (error instanceof StreamFailure) return new StoreFailure('other', error.message);
  if (!(error instanceof OutsideError)) return error;
  // `refused`: the function was granted no such store.
  if (error.code === 'refused') return new StoreFailure('access-denied', `access-denied: ${error.message}`);
  return new StoreFailure(CODES.has(error.code) ? (error.code as 'access-denied') : 'other', error.message);
}

/** The answer to a call that brings no bytes. */
export async function answerOf(call: OutsideCall): Promise<unknown> {
  try {
    return await call.answer;
  } catch (error) {
    throw asStoreFailure(error);
  } finally {
    call.forget();
  }
}

/** Sends bytes and takes the answer, whichever comes first: a host that refuses reads no further. */
export async function answerTo(call: OutsideCall, bytes: Uint8Array): Promise<unknown> {
  const ended = { yes: false };
  const sent = send(call.sink, bytes, ended);
  // What the sink says is said by the answer too, and better.
  sent.catch(() => {});
  try {
    return await answerOf(call);
  } finally {
    ended.yes = true;
  }
}

/** Takes exactly so many bytes, which are the last. */
export async function receive(source: ByteSource, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  for (let at = 0; ; ) {
    const chunk = source.read(Math.max(length - at, 1));
    if (chunk === null) {
      if (at === length) return whole;
      throw new StoreFailure('other', `the host sent ${at} of ${length} bytes`);
    }
    if (chunk.length > length - at) throw new StoreFailure('other', `the host sent more than ${length} bytes`);
    whole.set(chunk, at);
    at += chunk.length;
    if (chunk.length === 0) await source.wait();
  }
}

async function send(sink: ByteSink, bytes: Uint8Array, ended: { readonly yes: boolean }): Promise<void> {
  for (let rest = bytes; rest.length > 0 && !ended.yes; ) {
    const room = sink.capacity;
    if (room === 0) await sink.wait();
    else {
      sink.write(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }
  sink.close();
}

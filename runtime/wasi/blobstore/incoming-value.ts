import { type ByteSource, StreamFailure } from '../backend.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { InputStream } from '../io/input-stream.ts';
import { untilClosed } from '../until-closed.ts';
import type { BlobDownload } from './blob-backend.ts';

/** Most bytes that `incoming-value-consume-sync` gives: they are held as a whole, twice for a moment. */
const SYNC_BYTES = 16 * 1024 * 1024;

/** `wasi:blobstore/types`'s resource `incoming-value`. */
export class IncomingValue {
  readonly #context: Context;
  readonly #sizeBytes: number;
  #source: ByteSource | null;
  readonly #forget: () => void;
  #dropped = false;

  constructor(context: Context, { sizeBytes, source }: BlobDownload) {
    context.retain();
    this.#context = context;
    this.#sizeBytes = sizeBytes;
    this.#source = source;
    this.#forget = context.atClose(() => source.close());
  }

  size(): bigint {
    return BigInt(this.#sizeBytes);
  }

  /** `[static]incoming-value.incoming-value-consume-sync`. */
  static async incomingValueConsumeSync(value: IncomingValue): Promise<Uint8Array> {
    const [context, size, source] = [value.#context, value.#sizeBytes, value.#take()];
    try {
      if (size > SYNC_BYTES)
        throw `expected a value of at most ${SYNC_BYTES} bytes, got ${size}; take it with incoming-value-consume-async, or in parts`;
      return await readAll(context, source, size);
    } catch (error) {
      throw error instanceof StreamFailure ? error.message : error;
    } finally {
      source.close();
    }
  }

  /** `[static]incoming-value.incoming-value-consume-async`. */
  static incomingValueConsumeAsync(value: IncomingValue): InputStream {
    const [context, source] = [value.#context, value.#take()];
    const forget = context.atClose(() => source.close());
    return new InputStream(context, source, () => {
      forget();
      source.close();
    });
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#take().close();
  }

  /** Ends the resource; whoever takes its source closes it. */
  #take(): ByteSource {
    const source = this.#source!;
    this.#source = null;
    this.#dropped = true;
    this.#forget();
    this.#context.release();
    return source;
  }
}

async function readAll(context: Context, source: ByteSource, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  for (let at = 0; ; ) {
    const part = source.read(Math.max(size - at, 1));
    if (part === null) {
      if (at === size) return whole;
      throw new StreamFailure(`the value ended after ${at} of ${size} bytes`);
    }
    if (part.length > size - at) throw new StreamFailure(`the value has more than its ${size} bytes`);
    whole.set(part, at);
    at += part.length;
    if (!source.ready) await untilClosed(context, source.wait());
  }
}

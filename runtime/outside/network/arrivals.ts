import type { Readable } from 'node:stream';
import type { ByteSink } from '../../wasi/index.ts';
import { httpRefusal } from './http/http-refusal.ts';
import { Patience } from './http/patience.ts';

/** What happens to bytes that are read piece by piece. */
export class Arrivals {
  /** Whether all has come and been read. */
  ended = false;
  readonly #failure: () => Error;
  #broken = false;
  #changed = false;
  #wake: (() => void)[] = [];

  /** `complete`: whether an end is a good one; `failure`: what is thrown when it is not. */
  constructor(readable: Readable, complete: () => boolean, failure: () => Error) {
    this.#failure = failure;
    const change = () => {
      this.#changed = true;
      for (const wake of this.#wake.splice(0)) wake();
    };
    const broken = () => {
      // It was whole before it broke: what came behind it, such as the body of an answer that has none, is not of it.
      this.ended ||= complete() && readable.readableLength === 0;
      this.#broken ||= !this.ended;
      change();
    };
    readable.on('readable', change);
    readable.on('end', () => {
      this.ended = complete();
      this.#broken = !this.ended;
      change();
    });
    readable.on('error', broken);
    readable.on('close', broken);
    if (readable.destroyed) broken();
  }

  /** Resolves after the next event. `patienceMs`: how long that may take; null: as long as it likes. */
  async next(patienceMs: number | null): Promise<void> {
    if (!this.#changed && !this.#broken) {
      const waited = Promise.withResolvers<void>();
      this.#wake.push(waited.resolve);
      const patience = new Patience(() =>
        waited.reject(httpRefusal('connection-read-timeout', `the server sent nothing for ${patienceMs} ms`)),
      );
      if (patienceMs !== null) patience.begin(patienceMs);
      await waited.promise.finally(() => patience.end());
    }
    this.#changed = false;
    this.#throwIfBroken();
  }

  /** Resolves with a wait for something else, or after the next event. */
  async during(wait: Promise<void>): Promise<void> {
    this.#throwIfBroken();
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve);
      wait.then(resolve, resolve);
    });
    this.#throwIfBroken();
  }

  #throwIfBroken(): void {
    if (this.#broken) throw this.#failure();
  }
}

/** Writes to a sink, unless what is read breaks meanwhile: a guest that reads nothing would else keep what is left of it. */
export async function handOn(chunk: Uint8Array, sink: ByteSink, arrivals: Arrivals): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const room = sink.capacity;
    if (room > 0) {
      sink.write(chunk.subarray(at, at + room));
      at += room;
    } else {
      await arrivals.during(sink.wait());
    }
  }
}

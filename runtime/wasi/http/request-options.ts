import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';

/** `wasi:http/types`'s resource `request-options`. */
export class RequestOptions {
  #context: Context | null;
  #connectNs: bigint | undefined;
  #firstByteNs: bigint | undefined;
  #betweenBytesNs: bigint | undefined;

  constructor(context: Context) {
    context.retain();
    this.#context = context;
  }

  connectTimeout(): bigint | undefined {
    return this.#connectNs;
  }

  setConnectTimeout(ns: bigint | undefined): void {
    this.#connectNs = ns;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByteNs;
  }

  setFirstByteTimeout(ns: bigint | undefined): void {
    this.#firstByteNs = ns;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytesNs;
  }

  setBetweenBytesTimeout(ns: bigint | undefined): void {
    this.#betweenBytesNs = ns;
  }

  /** The timeouts in milliseconds, for whoever sends the request. */
  static timeouts(options: RequestOptions | undefined) {
    if (options === undefined) return NO_TIMEOUTS;
    return {
      connectMs: milliseconds(options.#connectNs),
      firstByteMs: milliseconds(options.#firstByteNs),
      betweenBytesMs: milliseconds(options.#betweenBytesNs),
    };
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }
}

const NO_TIMEOUTS = { connectMs: null, firstByteMs: null, betweenBytesMs: null };

/** Rounded up: a timeout of some nanoseconds is not none. */
export function milliseconds(ns: bigint | undefined): number | null {
  return ns === undefined ? null : Math.ceil(Number(ns) / 1e6);
}

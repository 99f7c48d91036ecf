import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';

const IMMUTABLE = { tag: 'immutable' } as const;

/** Waits that a guest allows a request, nanoseconds; undefined: as long as its host allows. */
export interface RequestTimeouts {
  readonly connectNs: bigint | undefined;
  readonly firstByteNs: bigint | undefined;
  readonly betweenBytesNs: bigint | undefined;
}

const NONE: RequestTimeouts = { connectNs: undefined, firstByteNs: undefined, betweenBytesNs: undefined };

/** `wasi:http/types`'s resource `request-options` in WASI 0.3. */
export class RequestOptions3 {
  readonly #context: Context;
  readonly #immutable: boolean;
  #timeouts: RequestTimeouts;
  #dropped = false;

  constructor(context: Context, timeouts = NONE, immutable = false) {
    context.retain();
    this.#context = context;
    this.#timeouts = timeouts;
    this.#immutable = immutable;
  }

  get timeouts(): RequestTimeouts {
    return this.#timeouts;
  }

  getConnectTimeout(): bigint | undefined {
    return this.#timeouts.connectNs;
  }

  setConnectTimeout(connectNs: bigint | undefined): void {
    this.#set({ connectNs });
  }

  getFirstByteTimeout(): bigint | undefined {
    return this.#timeouts.firstByteNs;
  }

  setFirstByteTimeout(firstByteNs: bigint | undefined): void {
    this.#set({ firstByteNs });
  }

  getBetweenBytesTimeout(): bigint | undefined {
    return this.#timeouts.betweenBytesNs;
  }

  setBetweenBytesTimeout(betweenBytesNs: bigint | undefined): void {
    this.#set({ betweenBytesNs });
  }

  clone(): RequestOptions3 {
    return new RequestOptions3(this.#context, this.#timeouts);
  }

  /** The same options as a handle through which they cannot be changed. */
  frozen(): RequestOptions3 {
    return new RequestOptions3(this.#context, this.#timeouts, true);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }

  #set(changed: Partial<RequestTimeouts>): void {
    if (this.#immutable) throw IMMUTABLE;
    this.#timeouts = { ...this.#timeouts, ...changed };
  }
}

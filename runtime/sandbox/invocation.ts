import type { PlaceTiming } from './pool/place.ts';

/** A header as it is on the wire: its name and its raw bytes. */
export type HeaderPair = readonly [name: string, value: Uint8Array];

/** How an invocation ended well. */
export interface InvocationEnd {
  /** Exit status of a command; 0 for the other doors. */
  readonly exitCode: number;
  readonly trailers: readonly HeaderPair[];
  /** Guest time, milliseconds. */
  readonly runMs: number;
}

/** Bytes of an answer, as they come. */
export interface InvocationOutput extends AsyncIterable<Uint8Array> {
  /** All of them, taken out, when the guest has ended well already; null when it has not. */
  readonly whole?: () => Uint8Array | null;
}

/** An invocation whose answer has begun. */
export interface Invocation {
  readonly id: string;
  /** Status and headers of an http answer; null for the other doors. */
  readonly head: { readonly status: number; readonly headers: readonly HeaderPair[] } | null;
  /**
   * Body of an http answer, a command's stdout, or the MessagePack of a typed call's result. Read it once, to its end, or leave
   * early, which cancels the guest. Reading slowly slows the guest. Throws a `CloudletError` when the guest fails half-way.
   */
  readonly output: InvocationOutput;
  /** Rejects with what `output` throws. Never an unhandled rejection. */
  readonly done: Promise<InvocationEnd>;
  readonly timing: PlaceTiming;
}

import type { Door } from '../guest-sdk/protocol/index.ts';

/** A header as it is on the wire: its name in lower case and its raw bytes. */
export type HeaderPair = readonly [name: string, value: Uint8Array];

/** What to run: a command with its arguments, or an HTTP request for the component's handler. Typed calls have their own method. */
export type InvocationRequest =
  | { readonly door: 'run'; readonly arguments: readonly string[] }
  | {
      readonly door: 'http';
      readonly method: string;
      readonly scheme: 'http' | 'https';
      readonly authority: string;
      /** Path with query, as the component shall see it. */
      readonly path: string;
      readonly headers: readonly HeaderPair[];
    };

/** How long an invocation waited, and for what, in milliseconds: the figures of `Server-Timing`. */
export interface InvocationTiming {
  /** Waiting for a place in a sandbox. */
  readonly queueMs: number;
  /** Starting a sandbox; 0 when one was idle. */
  readonly startMs: number;
  /** How the sandbox came to be: `idle`, `boot`, … */
  readonly start: string;
}

/** How an invocation ended well. */
export interface InvocationEnd {
  /** Exit status of a command; 0 for the other doors. */
  readonly exitCode: number;
  readonly trailers: readonly HeaderPair[];
  /** Guest time, milliseconds. */
  readonly runMs: number;
}

/** A started invocation whose answer has begun. */
export interface Invocation {
  readonly id: string;
  readonly door: Door;
  readonly version: number;
  readonly timing: InvocationTiming;
  /** Status and headers of an http answer; null for a command. */
  readonly head: { readonly status: number; readonly headers: readonly HeaderPair[] } | null;
  /**
   * Body of the answer, or a command's stdout. Read it once and to its end, or leave the loop early, which cancels the guest.
   * Reading slowly slows the guest. Throws `CloudletError` when the guest fails half-way.
   */
  readonly output: AsyncIterable<Uint8Array>;
  /** The end: settles after the output was read; rejects with what `output` throws. Never an unhandled rejection. */
  readonly done: Promise<InvocationEnd>;
}

/** Result of a typed call. */
export interface CallResult {
  readonly id: string;
  readonly version: number;
  /** Plain data in the format that was asked for; undefined when the function returns nothing. */
  readonly value: unknown;
  readonly timing: InvocationTiming & { readonly runMs: number };
}

import type { Door, ValueFormat } from '../../guest-sdk/protocol/index.ts';
import type { VersionChoice } from '../function/traffic.ts';
import type { LeaveSignal, PlaceTiming, Invocation as SandboxInvocation } from '../sandbox/index.ts';

import type { TraceParent } from './trace.ts';

export type { HeaderPair, InvocationEnd } from '../sandbox/index.ts';

/**
 * What to run: a command with its arguments, or an HTTP request for the component's handler. Typed calls have their own
 * method.
 */
export type InvocationRequest =
  | { readonly door: 'run'; readonly arguments: readonly string[] }
  | {
      readonly door: 'http';
      readonly method: string;
      readonly scheme: 'http' | 'https';
      readonly authority: string;
      /** Path with query, as the component shall see it. */
      readonly path: string;
      readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
    };

/** How long an invocation waited, and for what, in milliseconds: the figures of `Server-Timing`. */
export type InvocationTiming = PlaceTiming;

/**
 * A started invocation whose answer has begun. Its `output` is read once and to its end; leaving early cancels the guest,
 * reading slowly slows it. `done` settles when the guest ended and rejects with what `output` throws; never an unhandled
 * rejection.
 */
export interface Invocation extends SandboxInvocation {
  readonly door: Door;
  readonly version: number;
  /** Its own span, as `traceparent` carries it. */
  readonly traceparent: string;
}

/** Result of a typed call. */
export interface CallResult {
  readonly id: string;
  readonly version: number;
  readonly traceparent: string;
  /** Plain data in the format that was asked for; null when the function returns nothing. */
  readonly value: unknown;
  readonly timing: InvocationTiming & { readonly runMs: number };
}

/** How a typed call's arguments came and how its result shall go. */
export interface CallOptions extends InvokeOptions {
  readonly argumentFormat: ValueFormat;
  readonly resultFormat: ValueFormat;
}

/** What names an invocation to those outside: known before it waits for anything. */
export interface InvocationIdentity {
  /** A random UUID. */
  readonly id: string;
  readonly version: number;
  readonly traceparent: string;
}

/** Limits of one invocation, and what it belongs to. */
export interface InvokeOptions {
  /** Shortens the function's own deadline; never lengthens it. */
  readonly deadlineMs?: number | undefined;
  /**
   * The caller says that running it twice does no harm (`Idempotency-Key`): it is tried once more when its sandbox is lost
   * before it passed on any output. So are http requests whose method says it, and what had not begun.
   */
  readonly idempotent?: boolean;
  /** The caller's place in a trace; null or left out, and a trace begins here. */
  readonly trace?: TraceParent | null;
  /** Hears of the invocation once it is one, also when it fails later; not of what is refused before. */
  readonly begun?: (invocation: InvocationIdentity) => void;
  /** Which version it wants; left out, as calls are shared out. */
  readonly choice?: VersionChoice;
  /** Tells that the caller has left, which ends the invocation. */
  readonly signal?: LeaveSignal;
}

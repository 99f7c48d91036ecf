import type { Door, FunctionName, Published } from '../guest-sdk/protocol/index.ts';
import type { InvocationTrace } from './invocation/trace.ts';
import type { CloseCause, PlaceTiming } from './sandbox/index.ts';
import type { ServiceObserver } from './service/index.ts';

/** How an invocation went. */
export interface InvokedEvent {
  readonly id: string;
  readonly name: FunctionName;
  readonly version: number;
  readonly door: Door;
  /** The export of a typed call. */
  readonly target: string | undefined;
  /** Of an http request. */
  readonly method: string | undefined;
  /** Status of a function's http answer, once there was one. */
  readonly status: number | undefined;
  /** `ok` or a code of the error table. */
  readonly outcome: string;
  readonly trace: InvocationTrace;
  /** When it was accepted, milliseconds since 1970. */
  readonly beganAtMs: number;
  readonly durationMs: number;
  /** How it came to its sandbox; undefined when it never had one. */
  readonly place: InvocationPlace | undefined;
  /** Guest time, milliseconds; undefined when the guest did not end well. */
  readonly runMs: number | undefined;
}

/** The place that an invocation had in a sandbox: the last one, when it was tried twice. */
export interface InvocationPlace extends PlaceTiming {
  /** How long after it was accepted it had the place, milliseconds. */
  readonly afterMs: number;
}

/** What the engine reports while it works; the host writes it to its journal. Nothing here carries input, output or keys. */
export interface CloudletObserver extends ServiceObserver {
  /** A new version was written, or the same digest came again (`created: false`). */
  readonly published?: (published: Published) => void;
  /** A function and all its versions are gone. */
  readonly removed?: (event: { readonly name: FunctionName }) => void;
  /** An invocation ended. */
  readonly invoked?: (event: InvokedEvent) => void;
  /** A sandbox was started for a function. */
  readonly sandboxStarted?: (event: {
    readonly id: string;
    readonly name: FunctionName;
    readonly via: string;
    readonly ms: number;
  }) => void;
  /** What makes later starts of a function's version cheaper is there, or cannot be; some time after `published`. */
  readonly prepared?: (event: { readonly name: FunctionName; readonly version: number; readonly ms: number }) => void;
  /** A sandbox is gone; `reason` is a sentence when it failed. */
  readonly sandboxClosed?: (event: {
    readonly id: string;
    readonly cause: CloseCause;
    readonly reason: string | null;
  }) => void;
  /** Something needs the operator's eye, though service goes on: a corrupt blob moved aside, a prewarm that failed. */
  readonly warning?: (sentence: string) => void;
}

import type { FunctionName, Published } from '../guest-sdk/protocol/index.ts';

/** What the engine reports while it works; the host writes it to its journal. Nothing here carries input, output or keys. */
export interface CloudletObserver {
  /** A new version was written, or the same digest came again (`created: false`). */
  readonly published?: (published: Published) => void;
  /** A function and all its versions are gone. */
  readonly removed?: (event: { readonly name: FunctionName }) => void;
  /** An invocation ended; `outcome` is `ok` or a code of the error table. */
  readonly invoked?: (event: {
    readonly id: string;
    readonly name: FunctionName;
    readonly version: number;
    readonly outcome: string;
    readonly durationMs: number;
    /** How it came to its sandbox: a rung of the start ladder. */
    readonly start?: string;
  }) => void;
  /** A sandbox was started for a function. */
  readonly sandboxStarted?: (event: {
    readonly id: string;
    readonly name: FunctionName;
    readonly via: string;
    readonly ms: number;
  }) => void;
  /** What makes later starts of a function's version cheaper is there, or cannot be; some time after `published`. */
  readonly prepared?: (event: { readonly name: FunctionName; readonly version: number; readonly ms: number }) => void;
  /** A sandbox is gone; `reason` says why when it was not idle. */
  readonly sandboxClosed?: (event: { readonly id: string; readonly reason: string | null }) => void;
  /** Something needs the operator's eye, though service goes on: a corrupt blob moved aside, a prewarm that failed. */
  readonly warning?: (sentence: string) => void;
}

import type { LogMessage } from '../agent/wire.ts';

/** How an invocation came to its sandbox: one was loaded already, a spare machine was loaded, or a machine had to be started. */
export type SandboxStart = 'idle' | 'spare' | 'boot';

/** What the pool reports while it works. Nothing here carries input, output or keys. */
export interface PoolObserver {
  /** A guest wrote to standard output or error. */
  readonly log?: (event: LogMessage & { readonly invocation: string; readonly version: string }) => void;
  /** A sandbox serves a version now; `ms` from the wish for it to its end of loading. */
  readonly sandboxStarted?: (event: {
    readonly id: string;
    readonly version: string;
    readonly via: Exclude<SandboxStart, 'idle'>;
    readonly ms: number;
  }) => void;
  /** A sandbox is gone; `reason` says why when it had to be. `version` is null for a spare. */
  readonly sandboxClosed?: (event: {
    readonly id: string;
    readonly version: string | null;
    readonly reason: string | null;
  }) => void;
  /** No sandbox could be started. `version` is null for a spare. */
  readonly startFailed?: (event: { readonly version: string | null; readonly reason: string }) => void;
}

import type { LogMessage } from '../../agent/wire.ts';
import type { HostLine } from '../channel/call-asks.ts';
import type { StartRung } from '../rung.ts';
import type { CloseCause } from './close-cause.ts';

/** What the pool reports while it works. Nothing here carries input, output or keys. */
export interface PoolObserver {
  /** A guest wrote to standard output or error, or the host says something about its invocation. */
  readonly log?: (event: (LogMessage | HostLine) & { readonly invocation: string; readonly version: string }) => void;
  /** A sandbox serves a version now; `ms` from the wish for it to its end of loading. */
  readonly sandboxStarted?: (event: {
    readonly id: string;
    readonly version: string;
    readonly via: StartRung;
    readonly ms: number;
  }) => void;
  /** A sandbox is gone; `reason` says why when it had to be. */
  readonly sandboxClosed?: (event: {
    readonly id: string;
    readonly version: string;
    readonly cause: CloseCause;
    readonly reason: string | null;
  }) => void;
  /** A sandbox was paused because nobody used it. */
  readonly sandboxParked?: (event: { readonly id: string }) => void;
  /** What makes later starts of a version cheaper is there, or cannot be; once for each version. */
  readonly prepared?: (event: { readonly version: string; readonly ms: number }) => void;
  /** A service of the host's failed an invocation in a way that is no refusal: it has a defect, or what it stands on is broken. */
  readonly outsideFailed?: (event: {
    readonly version: string;
    readonly service: string;
    readonly reason: string;
  }) => void;
  /** Something about a version went wrong that nobody waits for. */
  readonly troubled?: (event: { readonly version: string; readonly reason: string }) => void;
  /** No sandbox could be started. */
  readonly startFailed?: (event: { readonly version: string; readonly reason: string }) => void;
}

import type { AcceleratorInfo, HardeningInfo, SnapshotsInfo } from '../../guest-sdk/protocol/index.ts';
import type { LoadedVersion } from './loaded-version.ts';
import type { StartRung } from './rung.ts';
import type { Sandbox, SandboxKind } from './sandbox.ts';

/** A sandbox that is `ready`: it has its version loaded. Whoever asked for it closes it. */
export interface StartedSandbox {
  readonly sandbox: Sandbox;
  readonly via: StartRung;
  /** Makes its first invocation faster, until `isEnough`, which is asked between steps of some milliseconds; undefined where that would gain nothing. */
  readonly warm?: (isEnough: () => boolean) => Promise<void>;
}

/** Starts sandboxes, always of one kind, and says what their boundary is worth. */
export interface SandboxSource {
  readonly kind: SandboxKind;
  readonly accelerator: AcceleratorInfo;
  /** Of machines. */
  readonly hardening?: HardeningInfo;
  /** What is kept to start machines from. */
  readonly snapshots?: () => Promise<SnapshotsInfo>;
  /** A version will be started soon: what all of them begin with is started meanwhile. Call what it gives when that is over, however it went. */
  readonly expect?: () => () => void;
  /** Starts a sandbox that serves `version`, by the cheapest rung that can be taken now. Nothing is left of a start that fails. */
  readonly start: (version: LoadedVersion, signal: AbortSignal) => Promise<StartedSandbox>;
  /** Makes later starts of the version cheaper, in the background: whether its snapshot is there now. */
  readonly prepare: (version: LoadedVersion, signal: AbortSignal) => Promise<boolean>;
  /** The version is gone: what was kept for it goes too. */
  readonly forget: (versionId: string) => Promise<void>;
  /** Gives up what goes on in the background. Idempotent; the sandboxes it started are their owner's. */
  readonly close: () => Promise<void>;
}

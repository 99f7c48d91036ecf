import type { AcceleratorInfo } from '../../guest-sdk/protocol/index.ts';
import type { SandboxKind } from '../options.ts';
import type { Sandbox } from '../sandbox/index.ts';

/** Starts empty sandboxes, always of one kind, and says what their boundary is worth. */
export interface SandboxSource {
  readonly kind: SandboxKind;
  readonly accelerator: AcceleratorInfo;
  readonly start: (signal: AbortSignal) => Promise<Sandbox>;
  /** Gives up what goes on in the background. Idempotent; the sandboxes it started are their owner's. */
  readonly close: () => Promise<void>;
}

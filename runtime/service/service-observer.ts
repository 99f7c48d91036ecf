import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { OutboundOutcome } from './outbound-proxy.ts';

/** How a caller came to its VM: one that runs, a clone of its image, one that was made of an overlay or by a recipe just now. */
export const SERVICE_STARTS = ['running', 'cached', 'overlay', 'on-demand'] as const;
export type ServiceStart = (typeof SERVICE_STARTS)[number];

/** Why a service VM ended. */
export const VM_END_CAUSES = ['stopped', 'expired', 'removed', 'failed', 'drain'] as const;
export type VmEndCause = (typeof VM_END_CAUSES)[number];

/** What services report while they work. Nothing here carries what passes through them. */
export interface ServiceObserver {
  /** A VM serves. */
  readonly serviceVmStarted?: (event: {
    readonly id: string;
    readonly name: FunctionName;
    readonly via: ServiceStart;
    readonly ms: number;
  }) => void;
  /** A VM is gone; `reason` is a sentence when it failed. */
  readonly serviceVmEnded?: (event: {
    readonly id: string;
    readonly name: FunctionName;
    readonly cause: VmEndCause;
    readonly reason: string | null;
  }) => void;
  /** A request was answered, or could not be: `ok` or a code of the error table. */
  readonly serviceAnswered?: (event: { readonly name: FunctionName; readonly outcome: string }) => void;
  /** A program in a VM asked for something outside. */
  readonly serviceWentOut?: (event: { readonly name: FunctionName; readonly outcome: OutboundOutcome }) => void;
}

import type { FileTree, Wasi, WasiBackend } from '../wasi/index.ts';
import type { FuelGauge } from './fuel.ts';
import type { LiftBudget } from './lift-budget.ts';
import type { InvokeMessage } from './wire.ts';

/** An instance as an invocation uses it. */
export interface Instance {
  /** Bounds what is copied out of its memories. */
  readonly lift: LiftBudget;
  /** Bytes of its linear memories, which only grow. */
  readonly memoryBytes: number;
  /** Whether it was not given memory that it asked for: that was beyond its limit. */
  readonly memoryRefused: boolean;
  /** Lets an invocation use it. `died` is told when it is done for, and with it all invocations that it serves. */
  begin(backend: WasiBackend, fuel: FuelGauge, died: (reason: string) => void): Wasi;
  /** What it exports; it is initialised now unless that was done before. */
  exports(): unknown;
}

/** Where the invocations of one worker have their instances from. */
export interface Instances {
  /** Fresh files for one invocation; `check` throws when its guest may not go on waiting for the bytes of one. */
  files(check: () => void): FileTree;
  /** An instance for an invocation, which gives it back, or up. */
  take(message: Pick<InvokeMessage, 'door' | 'rehearsal'>): Instance | Promise<Instance>;
  /** The invocation's call returned, and can do nothing more: the instance may serve another. */
  giveBack(instance: Instance): void;
  /** The invocation is over, and its call did not return; `reason` when the instance is done for. */
  giveUp(instance: Instance, reason: string | null): void;
  /** Whether an invocation would not have to wait for an instance to be initialised: then there is nothing to prepare. */
  readonly ready: boolean;
  /** Makes an instance ahead of need, if none is ready and the component allows it. Never rejects. */
  prepare(fuel: FuelGauge): Promise<void>;
  /** What comes is for others than those served before, in another grant or another clone: no instance that served may serve again. */
  renew(): void;
}

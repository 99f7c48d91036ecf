import type { Duplex } from 'node:stream';

/** How a machine ended. */
export interface MachineExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what QEMU and the guest's console said, for the error message. */
  readonly tail: string;
}

/** One running QEMU microVM, or a stand-in for it: a process with a byte channel to the agent inside. */
export interface Machine {
  readonly id: string;
  readonly pid: number;
  /** Both directions of the agent's port. Frames of `agent/wire.ts` go over it. */
  readonly channel: Duplex;
  /** The workers' lines, in the order of their numbers, and perhaps more for successors. */
  readonly lines: readonly Duplex[];
  /** The disk for large bodies that both sides read and write, a descriptor of this process; open as long as the machine runs. */
  readonly bulkFd?: number;
  /** Settles when the process ended, for whatever reason; never rejects. */
  readonly exited: Promise<MachineExit>;
  /** The end of what QEMU and the guest's console have said so far. */
  said(): string;
  /** Stops the guest's processors: no CPU at all until `resume`. A machine that is a process goes on. */
  pause(): Promise<void>;
  /** Lets the guest go on, at the present time: its clocks stood still. */
  resume(): Promise<void>;
  /** Threads of guest code that it is worth running at once. */
  readonly processors: number;
  /** Whether those are a translator's, which makes long of what is short. */
  readonly isEmulated?: boolean;
  /** What its threads needed of processors so far; see `processorNeedNs`. */
  processorNeedNs(): number | null;
  /** For how long others held it up so far; see `processorQueueNs`. */
  processorQueueNs(): number | null;
  /** Memory that would be free without this machine, bytes; rejects when its process is gone. */
  privateBytes(): Promise<number>;
  /** Private bytes beyond which it has more than its guests may make it take; a microVM has its size instead. */
  readonly mostPrivateBytes?: number;
  /** Has it share the processors with all machines of this claimant, as if they were one; a machine that is nobody's claims for itself. */
  claimFor(claimant: string): Promise<void>;
  /** Ends the machine: gently, then firmly. Idempotent; resolves when the process is gone. */
  close(): Promise<void>;
}

/** Why an invocation is ended from outside; its place in the list, counted from 1, is what the shared cell holds. */
export const INTERRUPTS = ['deadline-exceeded', 'client-closed'] as const;
export type Interrupt = (typeof INTERRUPTS)[number];

/** The invocation of this id shall end. `worker` is the one that has it, counted from 0. */
export interface CancelMessage {
  readonly worker: number;
  readonly why: Interrupt;
}

/** A worker is no more. Id 0. */
export interface LostMessage {
  readonly worker: number;
  /** The last invocation that it finished, whose answer may still be on its way; 0 when none. */
  readonly finished: number;
  /** The last invocation that it may have begun; 0 when none. What it was sent after that did not run. */
  readonly begun: number;
  /** For whose sake it was ended, and why; id 0 when it ended by itself, `reason` says how. */
  readonly id: number;
  readonly why: Interrupt | null;
  readonly reason: string;
}

/** A lost worker gets a successor. Id 0. */
export interface RenewedMessage {
  readonly worker: number;
  /** The line that the successor uses, counted from 0. In a machine it is the same; what is left in it is of the past. */
  readonly line: number;
  /** What the first frame in either direction, a `mark`, carries: before it comes what was meant for, or said by, who is no more. */
  readonly epoch: Uint8Array;
}

/** Takes back what a worker was sent, up to the invocation of id `last`, and has not begun. Id 0. */
export interface RecallMessage {
  readonly worker: number;
  readonly last: number;
}

/** What a worker was sent after `begun` and up to `last` does not begin in it any more. Id 0. */
export interface RecalledMessage extends RecallMessage {
  readonly begun: number;
}

/** Which system works, with which components. */
export interface WorkOrder {
  readonly which: 'ours' | 'shim';
  readonly components: { readonly work: string; readonly out: string; readonly keys: string };
  /** Where files may be written. */
  readonly folder: string;
  /** Of a server on this computer. */
  readonly port: number;
}

/** A kind of work, done as often as `TIMES` says where that is more than once. */
export type Piece = 'clock' | 'random' | 'write' | 'read' | 'stdout' | 'requests' | 'keys';

/** One run of a piece. */
export interface WorkDone {
  /** When it began, by the clock of the computer, nanoseconds. */
  readonly beganAt: string;
  readonly ms: number;
}

/** How often a piece does its work in one run. */
export const TIMES = { clock: 20_000, random: 2_000, requests: 100, keys: 1_000 } as const;

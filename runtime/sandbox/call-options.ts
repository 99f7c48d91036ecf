import type { CallLog } from './channel/call.ts';
import type { CallOutside } from './channel/call-asks.ts';
import type { CallUse } from './channel/call-use.ts';
import type { LeaveSignal } from './leave-signal.ts';

/** Limits of one call. */
export interface CallOptions {
  /** Wall time from now, milliseconds. */
  readonly deadlineMs: number;
  readonly log: CallLog;
  /** What its guest may ask of the host; nothing when it is left out, as in a rehearsal. */
  readonly outside?: CallOutside | undefined;
  /** Most bytes of its answer; without end when it is left out. */
  readonly answerBytes?: number | undefined;
  /** Hears what its guest used. */
  readonly use?: CallUse | undefined;
  /** Nobody asked for it: it does not count as served, and is given no secrets. */
  readonly rehearsal?: boolean;
  readonly signal?: LeaveSignal | undefined;
}

/** How long after the deadline the agent may answer before the caller is told without it, milliseconds. */
export const CALLER_GRACE_MS = 200;

/**
 * How long after the deadline, or after a cancel, the agent may take to end the invocation before its machine is ended, milliseconds.
 * Longer than the caller waits: ending the machine costs its other invocations their answers, and a machine that shares a busy
 * processor is late more often than it is lost.
 */
export const CONFIRM_MS = 2_000;

/**
 * How long an agent may take to get ready for a snapshot, milliseconds: that of a booted machine starts its workers meanwhile. A function
 * whose every instance costs its worker is never ready, and snapshots are made one at a time.
 */
export const PREPARE_MS = 120_000;

/** How long a machine may take to stop its processors, milliseconds: who comes meanwhile waits for it. */
export const PAUSE_MS = 5_000;

/** How long a machine whose channel ended may take to end, milliseconds: how it did, and what it said, is the better reason. */
export const EXIT_MS = 500;

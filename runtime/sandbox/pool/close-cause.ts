/** Why a sandbox was closed. */
export const CLOSE_CAUSES = ['idle', 'evicted', 'replaced', 'removed', 'poisoned', 'drain'] as const;

/**
 * Why a sandbox was closed: `idle`, nobody used it for long; `evicted`, others needed its room; `replaced`, a clone of its version's
 * snapshot does the same with less memory, or it lost nearly all the workers that it can have; `removed`, its version was; `poisoned`, it failed; `drain`, the cloudlet closes.
 */
export type CloseCause = (typeof CLOSE_CAUSES)[number];

/** How an invocation came to its sandbox, cheapest first. */
export const RUNGS = ['idle', 'restored', 'function-clone', 'golden-clone', 'boot'] as const;

/** One rung of the start ladder: `idle` found a place, `restored` woke what the pool kept paused, the others started a sandbox. */
export type Rung = (typeof RUNGS)[number];

/** The rungs that a source takes; the others are the pool's own. */
export type StartRung = Exclude<Rung, 'idle' | 'restored'>;

import { systemClock, type WasiClock } from '../wasi/index.ts';

/** The clock of this process, whose monotonic part is read as the whole number that guests get: half of what a conversion costs. */
export const agentClock: WasiClock = { ...systemClock, monotonicNs: process.hrtime.bigint };

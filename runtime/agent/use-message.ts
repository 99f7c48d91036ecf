import type { FileUse } from '../wasi/index.ts';

/** What guests of a worker used of what they were granted, as far as it was not told before; with the end of an invocation. */
export interface UseMessage {
  readonly files: readonly (readonly [path: string, use: FileUse])[];
  /** Whether it read them. */
  readonly environment: boolean;
  readonly arguments: boolean;
  /** A key that was asked for, null for all, and whether it is granted. */
  readonly configuration: readonly (readonly [key: string | null, isThere: boolean])[];
  /** How many uses are not told, because they are too many. */
  readonly dropped: number;
  /** The most that one invocation had so far. */
  readonly scratchBytes: number;
  readonly memoryBytes: number;
  /** Processor time of the invocation; null unless its uses are recorded. */
  readonly cpuMs: number | null;
}

/** Most uses that one message tells. */
export const MAX_USES = 4096;

/** Paths that an invocation looked for in vain, of which those are told that it looked for last. */
export const MAX_MISSING = 4;

/** Characters of all that one message tells, about: with what surrounds it, it is to fit into a frame. */
export const MAX_USE_TEXT = 200_000;

/** Longest path or key that is told, characters; what is longer is cut. */
export const MAX_USE_CHARACTERS = 512;

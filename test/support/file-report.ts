/**
 * What a process that runs test files says of each, as a line of JSON on its file descriptor 3.
 */
import type { FileResult } from './run-file.ts';

/** One line. */
export type FileReport =
  | { readonly kind: 'ran'; readonly result: FileResult }
  /** Nothing of it goes on any more; it `changed` this for those that come after it. `residentBytes`: of the process, now. */
  | { readonly kind: 'ended'; readonly changed: readonly string[]; readonly residentBytes: number };

/** Ends what a file wrote to standard output, and to standard error: what comes after it is of the next one. */
export const END_OF_OUTPUT = '\u0000end of file\u0000';

/** Exit status of a process in which a file left handles open. */
export const STATUS_HANDLES = 86;

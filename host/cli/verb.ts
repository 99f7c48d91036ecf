import type { Command } from 'commander';

/** What a verb has besides its words. */
export interface VerbContext {
  /** Sets the exit status of a verb that ended without an error, such as a command component's own status. */
  readonly setStatus: (status: number) => void;
  /** Words after `--`, which are for the function and not for us. */
  readonly passedOn: readonly string[];
  /**
   * Aborts at the first SIGINT or SIGTERM; a second one ends the process. Asking for it takes the signals over, so a verb that has
   * nothing to tidy up does not.
   */
  readonly interruption: () => AbortSignal;
}

/** Adds a verb to the program. What it does is loaded when it runs; failures are thrown as `CloudletError`, wrong use as `UsageError`. */
export type Verb = (program: Command, context: VerbContext) => void;

import type { Command } from 'commander';

/** Sets the exit status of a verb that ended without an error, such as a command component's own status. */
export type SetStatus = (status: number) => void;

/** Adds a verb to the program. What it does is loaded when it runs; failures are thrown as `CloudletError`. */
export type Verb = (program: Command, setStatus: SetStatus) => void;

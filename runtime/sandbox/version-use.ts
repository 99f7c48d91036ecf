import type { UseMessage } from '../agent/wire.ts';
import type { OutsideService } from '../outside/outside-service.ts';

export type { UseMessage } from '../agent/wire.ts';

/** Hears what the guests of one version use of what it was granted. Never throws. */
export interface VersionUse {
  /** An invocation has a place in a sandbox. */
  begun(): void;
  /** What an agent tells with the end of an invocation; it is checked for its form, and is only as true as the sandbox is whole. */
  guest(invocation: string, use: UseMessage): void;
  /** A guest asks the host for a service: gives what does it instead. */
  service(name: string, does: OutsideService): OutsideService;
  /** A guest asked for a service that its version was not granted: gives what it asked for, in words such as `http api.example.org`. */
  denied(name: string, args: unknown): string;
  /** What is to be said to the caller of an invocation that failed after it had looked for these paths in vain; null for nothing. */
  missing(paths: readonly string[]): string | null;
}

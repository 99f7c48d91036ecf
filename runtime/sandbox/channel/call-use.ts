import type { UseMessage } from '../../agent/wire.ts';

/** Hears what the guest of one invocation used; see `VersionUse`. */
export interface CallUse {
  guest(use: UseMessage): void;
  missing(paths: readonly string[]): string | null;
}

import { type FunctionName, parseName } from '../../../guest-sdk/protocol/index.ts';
import { typed, UsageError } from '../usage-error.ts';

/** A function, or one version of it. */
export interface VersionedName {
  readonly name: FunctionName;
  /** Undefined: of whichever. */
  readonly version: number | undefined;
}

/** Reads `photo` or `photo@3`. */
export function parseVersionedName(text: string): VersionedName {
  const at = text.indexOf('@');
  if (at === -1) return { name: typed(() => parseName(text)), version: undefined };
  return { name: typed(() => parseName(text.slice(0, at))), version: parseVersionWord(text.slice(at + 1)) };
}

/** Reads the number of a version. */
export function parseVersionWord(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`expected a version, such as 1, got ${JSON.stringify(text)}`);
}

import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import {
  type FunctionInfo,
  type FunctionName,
  parseName,
  parseVersionWord,
} from '../../../guest-sdk/protocol/index.ts';
import { typed } from '../usage-error.ts';

/** A function, or one version of it. */
export interface VersionedName {
  readonly name: FunctionName;
  /** A number, or the beginning of a digest; undefined: of whichever. */
  readonly version: string | undefined;
}

/** Reads `photo`, `photo@3` or `photo@sha256:52d6`. */
export function parseVersionedName(text: string): VersionedName {
  const at = text.indexOf('@');
  if (at === -1) return { name: typed(() => parseName(text)), version: undefined };
  return { name: typed(() => parseName(text.slice(0, at))), version: checkVersionWord(text.slice(at + 1)) };
}

/** Refuses a word that cannot be a version. */
export function checkVersionWord(text: string): string {
  typed(() => parseVersionWord(text));
  return text;
}

/** The number of the version that is meant; undefined when none is named. */
export async function numberOf(
  { versions }: Pick<CloudletClient, 'versions'>,
  { name, version }: VersionedName,
  signal?: AbortSignal,
): Promise<number | undefined> {
  return version === undefined ? undefined : versions.find(name, version, signal);
}

/** What may be asked of a function, or of the version of it that is named. */
export async function askable(
  client: Pick<CloudletClient, 'function' | 'versions'>,
  named: VersionedName,
  signal?: AbortSignal,
): Promise<Pick<FunctionInfo, 'name' | 'digest' | 'doors' | 'exports'> & { readonly asked: number | undefined }> {
  const { name } = named;
  const asked = await numberOf(client, named, signal);
  if (asked === undefined) return { ...(await client.function(name, signal)), asked };
  return { name, ...(await client.versions.describe(name, asked, signal)), asked };
}

import { CloudletError } from './errors.ts';

/** A version as people name it: by its number, or by the beginning of its digest. */
export type VersionWord =
  | { readonly kind: 'number'; readonly version: number }
  | { readonly kind: 'digest'; readonly prefix: string };

/** A function and the versions that a word may mean, newest first. */
export interface NamedVersions {
  readonly name: string;
  readonly versions: readonly { readonly version: number; readonly digest: string }[];
}

/** Reads `3`, `sha256:52d6` or, from six digits on, `52d6f4`; `request-invalid` for what is neither. */
export function parseVersionWord(text: string): VersionWord {
  if (/^[1-9]\d{0,8}$/.test(text)) return { kind: 'number', version: Number(text) };
  const prefix = /^(?:sha256:([0-9a-f]{1,64})|([0-9a-f]{6,64}))$/.exec(text);
  if (prefix !== null) return { kind: 'digest', prefix: `sha256:${prefix[1] ?? prefix[2]}` };
  throw new CloudletError(
    'request-invalid',
    `expected a version, such as 1, or the beginning of its digest, such as sha256:52d6f4, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/** The number of the version that a word means, of several with one digest the newest; `version-unknown` when it means none, or different ones. */
export function versionOfWord({ name, versions }: NamedVersions, word: VersionWord): number {
  // Whether there is one of this number, whoever is asked for it says.
  if (word.kind === 'number') return word.version;
  const found = versions.filter(({ digest }) => digest.startsWith(word.prefix));
  const [newest] = found;
  const among = (all: typeof versions) =>
    all.map(({ version, digest }) => `${version} ${digest.slice(0, 23)}`).join(', ');
  if (newest === undefined)
    throw new CloudletError(
      'version-unknown',
      `expected the beginning of a digest of "${name}" (${among(versions)}), got ${word.prefix}`,
    );
  if (found.some(({ digest }) => digest !== newest.digest))
    throw new CloudletError('version-unknown', `${word.prefix} begins several versions of "${name}": ${among(found)}`);
  return newest.version;
}

import {
  compareVersions,
  DescribedVersion,
  type FunctionName,
  parseVersionWord,
  type TrafficSplit,
  VersionDiff,
  VersionList,
  versionOfWord,
} from '../protocol/index.ts';
import type { HostAddress } from './request.ts';
import { readWhole } from './transport.ts';

/** The versions of functions on a cloudlet. */
export interface VersionsClient {
  /** Those of a function, newest first, with their shares of the calls. */
  readonly list: (name: FunctionName, signal?: AbortSignal) => Promise<VersionList>;
  /** The number of the version that a word means: `3`, or the beginning of a digest, `sha256:52d6`; `version-unknown` when it means none. */
  readonly find: (name: FunctionName, word: string, signal?: AbortSignal) => Promise<number>;
  /** Exports, imports, grant and files of one, by its number or as `find` takes it; the current one when left out. */
  readonly describe: (name: FunctionName, version?: number | string, signal?: AbortSignal) => Promise<DescribedVersion>;
  /** What differs from one to another; left out: from the one before, to the current. */
  readonly diff: (
    name: FunctionName,
    versions?: { readonly from?: number | undefined; readonly to?: number | undefined },
    signal?: AbortSignal,
  ) => Promise<VersionDiff>;
  /** What would differ if something took the place of the current version. */
  readonly diffWith: (name: FunctionName, other: DescribedVersion, signal?: AbortSignal) => Promise<VersionDiff>;
  /** Shares calls out among versions; null: all to the current one. */
  readonly split: (name: FunctionName, split: TrafficSplit | null, signal?: AbortSignal) => Promise<VersionList>;
  /** How many are kept; null: as many as the cloudlet keeps of any. */
  readonly retain: (name: FunctionName, versions: number | null, signal?: AbortSignal) => Promise<VersionList>;
  /** Removes one that no call goes to. */
  readonly remove: (name: FunctionName, version: number, signal?: AbortSignal) => Promise<void>;
}

/** The versions at an address. */
export function versionsClient(host: HostAddress): VersionsClient {
  const at = (name: FunctionName): string => `/v1/functions/${name}`;
  const list: VersionsClient['list'] = (name, signal) =>
    host.json(VersionList, { path: `${at(name)}/versions`, signal });
  const current = async (name: FunctionName, signal: AbortSignal | undefined): Promise<number> => {
    const { versions } = await list(name, signal);
    return versions.find((each) => each.current)!.version;
  };
  const find: VersionsClient['find'] = async (name, text, signal) => {
    const word = parseVersionWord(text);
    return word.kind === 'number' ? word.version : versionOfWord(await list(name, signal), word);
  };
  const describe: VersionsClient['describe'] = async (name, version, signal) => {
    const number = typeof version === 'string' ? await find(name, version, signal) : version;
    const path = `${at(name)}/versions/${number ?? (await current(name, signal))}`;
    return host.json(DescribedVersion, { path, signal });
  };
  return {
    ...{ list, find, describe },
    diff: (name, { from, to } = {}, signal) => {
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries({ from, to })) if (value !== undefined) query.set(key, String(value));
      return host.json(VersionDiff, { path: `${at(name)}/diff${query.size === 0 ? '' : `?${query}`}`, signal });
    },
    diffWith: async (name, other, signal) => {
      const from = await current(name, signal);
      return compareVersions({ name, from, to: null }, await describe(name, from, signal), other);
    },
    split: (name, split, signal) =>
      host.json(VersionList, { method: 'PUT', path: `${at(name)}/split`, json: { split }, signal }),
    retain: (name, versions, signal) =>
      host.json(VersionList, { method: 'PUT', path: `${at(name)}/retain`, json: { versions }, signal }),
    remove: async (name, version, signal) => {
      const { body } = await host.send({ method: 'DELETE', path: `${at(name)}/versions/${version}`, signal });
      await readWhole(body, 0);
    },
  };
}

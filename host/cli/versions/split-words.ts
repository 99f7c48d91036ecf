import {
  parseVersionWord,
  type TrafficSplit,
  type VersionList,
  versionOfWord,
} from '../../../guest-sdk/protocol/index.ts';
import { typed, UsageError } from '../usage-error.ts';

/** What of a version the words of a split need. */
export type ShareableVersion = Pick<VersionList['versions'][number], 'version' | 'digest' | 'current'>;

/**
 * Reads `1=90 2=10`. What is missing to 100 goes to the current version, where that is not named itself: `3=10` sends a tenth of the calls
 * to version 3. A version may be named by the beginning of its digest.
 */
export function parseSplitWords(
  words: readonly string[],
  list: Pick<VersionList, 'name'> & { readonly versions: readonly ShareableVersion[] },
  sticky?: string,
): TrafficSplit {
  const current = list.versions.find((each) => each.current)!.version;
  const versions = words.map((word) => {
    const match = /^([^=]+)=(\d{1,3})%?$/.exec(word);
    if (match === null) throw new UsageError(`expected VERSION=PERCENT, such as 2=10, got ${JSON.stringify(word)}`);
    const named = typed(() => parseVersionWord(match[1]!));
    return { version: versionOfWord(list, named), percent: Number(match[2]) };
  });
  const twice = versions.find(({ version }, at) => versions.findIndex((each) => each.version === version) !== at);
  if (twice !== undefined) throw new UsageError(`expected each version once, got ${twice.version} twice`);
  const sum = versions.reduce((total, { percent }) => total + percent, 0);
  const isNamed = versions.some(({ version }) => version === current);
  if (sum > 100 || (sum < 100 && isNamed))
    throw new UsageError(`expected percentages that are 100 together, got ${sum}`);
  const all = sum === 100 ? versions : [{ version: current, percent: 100 - sum }, ...versions];
  return { versions: all, ...(sticky === undefined ? {} : { sticky: parseSticky(sticky) }) };
}

function parseSticky(text: string): string {
  const named = /^(header|cookie):/.test(text) ? text : `header:${text}`;
  if (/^(header|cookie):[A-Za-z0-9_.-]{1,64}$/.test(named)) return named;
  throw new UsageError(`expected --sticky header:NAME or cookie:NAME, got ${JSON.stringify(text)}`);
}

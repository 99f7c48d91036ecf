import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  type DescribedVersion,
  type FunctionName,
  type VersionList,
} from '../../../guest-sdk/protocol/index.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize } from '../terminal/size.ts';

/** All that is known of one version of a function. */
export type VersionInspection = { readonly name: string } & DescribedVersion & VersionList['versions'][number];

/** What a cloudlet says of one version, named by its number or the beginning of its digest. */
export async function inspectVersion(
  { versions }: Pick<CloudletClient, 'versions'>,
  name: FunctionName,
  word: string,
  signal: AbortSignal,
): Promise<VersionInspection> {
  const version = await versions.find(name, word, signal);
  const [described, list] = await Promise.all([versions.describe(name, version, signal), versions.list(name, signal)]);
  const listed = list.versions.find((each) => each.version === version);
  // Between the two answers it may have gone.
  if (listed === undefined) throw new CloudletError('version-unknown', `version ${version} of "${name}" was removed`);
  return { name, ...described, ...listed };
}

/** What a version has beside what its component says. */
export function shownVersion(inspection: VersionInspection): string[] {
  const { version, current, percent, state, publishedAt, publisher, files } = inspection;
  return [
    `  version  ${version}${current ? ', the current one' : ''}, published ${publishedAt}`,
    `  calls    ${percent} %`,
    `  state    ${state}`,
    `  signed   ${publisher === null ? 'by nobody' : `${publisher.fingerprint}${publisher.trusted ? '' : ' (not trusted now)'}`}`,
    ...(files.length === 0 ? [] : ['  files']),
    ...files.map(({ path, bytes }) => `    ${printable(path)}  ${formatSize(bytes)}`),
  ];
}

import { readFile } from 'node:fs/promises';
import type { DescribedVersion } from '../../../guest-sdk/protocol/index.ts';
import type { PackageWords } from './packaged.ts';
import { publishableSource } from './source.ts';

/** What would be compared of what a word of `publish` names, if it were published. A project is built first. */
export async function described(what: string, words: PackageWords, signal: AbortSignal): Promise<DescribedVersion> {
  const [build, found] = await Promise.all([
    import('../../../guest-sdk/build/index.ts'),
    publishableSource(what, words, signal),
  ]);
  if (found.pieces === null) return await build.describeComponent(await readFile(found.path));
  return await build.describePackage(await build.readPackageBytes(found.pieces, what));
}

import { spawn } from 'node:child_process';
import { copyFile, open, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AptSource } from './apt-sources.ts';

/** Unpacks a list, however it lies there; comes with apt. */
const APT_HELPER = '/usr/lib/apt/apt-helper';

/** Where apt has lists of packages. */
const LISTS = 'var/lib/apt/lists';

/** Says when the sources of the lists in a VM were asked last, as seconds since 1970. */
export const LISTS_ASKED = '/var/lib/apt/lists-asked';

/** The files that say what a source's lists must be: one beside each. */
export function releaseFiles(sources: readonly AptSource[]): string[] {
  const names = sources.flatMap(({ lists }) =>
    lists.map((file) => file.replace(/_[^_]*_binary-[^_]*_Packages.*$/, '_InRelease')),
  );
  return [...new Set(names)];
}

/**
 * Puts this computer's lists of packages into a tree, plain, with their times, by which mirrors are asked whether there are newer ones; and when
 * they were asked last. Installing on a base VM then begins without them being fetched.
 */
export async function putLists(tree: string, sources: readonly AptSource[], signal?: AbortSignal): Promise<void> {
  const releases = releaseFiles(sources);
  const lists = sources.flatMap(({ lists }) => lists);
  for (const from of [...releases, ...lists]) {
    const to = join(tree, LISTS, basename(from).replace(/(_Packages)\.[a-z0-9]+$/, '$1'));
    if (basename(to) === basename(from)) await copyFile(from, to);
    else await unpack(from, to, signal);
    const { atime, mtime } = await stat(from);
    await utimes(to, atime, mtime);
  }
  // Of a release that did not change nothing is written: the one that did says when all were asked.
  const written = await Promise.all(releases.map(async (file) => (await stat(file)).ctimeMs));
  await writeFile(join(tree, LISTS_ASKED), `${Math.floor(Math.max(...written) / 1000)}\n`);
}

async function unpack(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(to, 'wx', 0o644);
  try {
    const child = spawn(APT_HELPER, ['cat-file', from], {
      stdio: ['ignore', file.fd, 'ignore'],
      ...(signal === undefined ? {} : { signal }),
    });
    const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (status !== 0) throw new Error(`expected ${APT_HELPER} to unpack ${from}, it ended with status ${status}`);
  } finally {
    await file.close();
  }
}

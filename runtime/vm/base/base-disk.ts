import { lstat, lutimes, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runCommand } from '../../image/index.ts';
import { copySparse } from '../../machine/index.ts';

/** What would differ from one file system to the next. */
const ID = '636c6f75-646c-4574-8000-000000000001';

/** One inode for so many bytes: a package has more small files than large ones. */
const BYTES_PER_INODE = 32_768;

/**
 * Makes a raw disk at `path`, an empty file, with an ext4 file system that holds a tree, owners and modes as they are. What is younger than
 * `builtAt`, seconds since 1970, is as old as the newest that is not: the same packages give the same times. What is not used is a hole. Uses
 * `scratch`, which is made and removed.
 */
export async function makeBaseDisk(
  tree: string,
  path: string,
  options: {
    readonly bytes: number;
    readonly builtAt: number;
    readonly scratch: string;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { bytes, builtAt, scratch, signal } = options;
  const { newest, times } = await clampTimes(tree, builtAt);
  const script = `${scratch}.times`;
  try {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', E2FSPROGS_FAKE_TIME: String(newest) };
    const run = (program: string, args: readonly string[]) =>
      runCommand(program, args, signal === undefined ? { env } : { env, signal });
    // No journal: a VM that ends without a word is never started again. Its kernel has nothing to initialise, which it would write.
    const args = ['-q', '-t', 'ext4', '-d', tree, '-O', '^has_journal', '-m', '0', '-i', String(BYTES_PER_INODE)];
    args.push('-U', ID, '-E', `hash_seed=${ID},lazy_itable_init=0,discard`, scratch, `${bytes / 2 ** 20}M`);
    await run('mke2fs', args);
    // Nobody can set the time of a change in a tree, and mke2fs takes it from there.
    await writeFile(script, times.map(({ name, time }) => setTimes(name, time)).join(''));
    await run('debugfs', ['-w', '-f', script, scratch]);
    await copySparse(scratch, path, signal);
  } finally {
    await rm(scratch, { force: true });
    await rm(script, { force: true });
  }
}

interface FileTime {
  readonly name: string;
  readonly time: number;
}

/** Sets the times in a tree to those of its packages, and gives the time of everything, by name within it. */
async function clampTimes(tree: string, builtAt: number): Promise<{ newest: number; times: FileTime[] }> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  // Directories after what is in them, which changes them.
  const paths = [
    ...entries
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .reverse(),
    tree,
  ];
  const found = await Promise.all(
    paths.map(async (path) => ({ path, time: Math.floor((await lstat(path)).mtimeMs / 1000) })),
  );
  const newest = found.reduce((most, { time }) => (time < builtAt ? Math.max(most, time) : most), 0);
  const times: FileTime[] = [];
  for (const { path, time } of found) {
    const clamped = Math.min(time, newest);
    await lutimes(path, clamped, clamped);
    times.push({ name: `/${relative(tree, path)}`, time: clamped });
  }
  return { newest, times };
}

/** Commands for debugfs; it has no way to say a quote or a line feed, so such a file has the times of its build. */
function setTimes(name: string, time: number): string {
  if (/["\n]/.test(name)) return '';
  return ['atime', 'ctime'].map((field) => `set_inode_field "${name}" ${field} @${time}\n`).join('');
}

import { readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runCommand } from './command.ts';

/** Room in a file system beside its files, bytes: inodes, block groups, and what rounding costs. */
const SLACK_BYTES = 12 * 1024 * 1024;

const INODES = 256;

/** What would differ from one file system to the next: its identifier, the seed of its hashes, and the time of everything. */
const ID = '636c6f75-646c-4574-8000-000000000000';
const TIME = '946684800';

/** Debian keeps these programs where an unprivileged user's path may lack. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', E2FSPROGS_FAKE_TIME: TIME };

/**
 * Makes a read-only ext4 file system at `path` that holds a tree; everything in it belongs to root. The same tree gives the same
 * bytes, whoever makes it and when. Uses the existing directory `scratch`.
 */
export async function makeFileSystem(tree: string, path: string, scratch: string, signal?: AbortSignal): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const bytes = (await Promise.all(files.map(async (file) => (await stat(file)).size))).reduce(
    (sum, size) => sum + size,
    0,
  );
  const args = ['-q', '-t', 'ext4', '-d', tree, '-O', '^has_journal', '-m', '0', '-N', String(INODES), '-U', ID];
  args.push('-E', `hash_seed=${ID},root_owner=0:0,lazy_itable_init=0`);
  args.push(path, `${Math.ceil((bytes + SLACK_BYTES) / 2 ** 20)}M`);
  const options = signal === undefined ? { env: ENVIRONMENT } : { env: ENVIRONMENT, signal };
  await runCommand('mke2fs', args, options);

  // mke2fs takes times and owners from the tree, and nobody can set the time of a change there.
  const paths = entries.map((entry) => `/${relative(tree, join(entry.parentPath, entry.name))}`).sort();
  const script = join(scratch, 'same-for-everyone');
  await writeFile(script, ['/', '/lost+found', ...paths].map(sameForEveryone).join(''));
  await runCommand('debugfs', ['-w', '-f', script, path], options);
}

/** Commands for debugfs. */
function sameForEveryone(path: string): string {
  const times = ['atime', 'ctime', 'mtime'].map((field) => `set_inode_field ${path} ${field} @${TIME}\n`);
  const owners = ['uid', 'gid'].map((field) => `set_inode_field ${path} ${field} 0\n`);
  return [...times, ...owners].join('');
}

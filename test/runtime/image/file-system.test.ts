import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '../../../runtime/image/command.ts';
import { makeFileSystem } from '../../../runtime/image/file-system.ts';

const fileSystem = suite<{ directory: string }>('a file system');

fileSystem.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-file-system-'));
});
fileSystem.after.each((context) => rm(context.directory, { recursive: true }));

/** A small tree, and the file system made of it. */
async function make(directory: string, name: string): Promise<string> {
  const tree = join(directory, name);
  await mkdir(join(tree, 'bin'), { recursive: true });
  await writeFile(join(tree, 'bin/tool'), 'text');
  await chmod(join(tree, 'bin/tool'), 0o755);
  const path = `${tree}.ext4`;
  await makeFileSystem(tree, path, directory);
  return path;
}

fileSystem('has the same bytes for the same tree, a second later and elsewhere', async ({ directory }) => {
  const first = await make(directory, 'first');
  // Times in it have whole seconds: the clock has to move on.
  const startedAt = Math.floor(Date.now() / 1000);
  await new Promise((resolve) => setTimeout(resolve, 1000 * (startedAt + 1) - Date.now()));
  const second = await make(directory, 'second');
  assert.ok((await readFile(first)).equals(await readFile(second)));
});

fileSystem('is sound, and holds the tree as files of root', async ({ directory }) => {
  const path = await make(directory, 'tree');
  const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' };
  await runCommand('e2fsck', ['-f', '-n', path], { env });
  const listing = await runCommand('debugfs', ['-R', 'stat /bin/tool', path], { env });
  assert.match(listing, /Mode:\s+0755/);
  assert.match(listing, /User:\s+0\s+Group:\s+0\s+.*Size: 4/);
  assert.is(await runCommand('debugfs', ['-R', 'cat /bin/tool', path], { env }), 'text');
});

fileSystem.run();

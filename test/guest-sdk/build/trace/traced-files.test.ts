import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTracedFiles } from '../../../../guest-sdk/build/trace/traced-files.ts';
import { refused } from '../../../support/refusal.ts';

const traced = suite<{ folder: string }>('the files that a trace allows');

traced.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-traced-'));
  await mkdir(join(context.folder, 'a/b'), { recursive: true });
  await writeFile(join(context.folder, 'a/one'), '1');
  await writeFile(join(context.folder, 'a/b/two'), '22');
});
traced.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

traced('links that lead above are followed once, however many there are', async ({ folder }) => {
  for (const name of ['up', 'up2', 'up3']) await symlink('..', join(folder, 'a/b', name));
  await symlink('b/two', join(folder, 'a/link'));
  await symlink('nowhere', join(folder, 'a/broken'));
  const found = await readTracedFiles([{ host: folder, guest: '/' }]);
  assert.equal(
    found.map(({ path, bytes }) => `${path} ${bytes.length}`),
    ['/a/b/two 2', '/a/link 2', '/a/one 1'],
  );
});

traced('what is no file, or never ends, is not there; named itself it is refused', async ({ folder }) => {
  execFileSync('mkfifo', [join(folder, 'a/pipe')]);
  await symlink('/dev/zero', join(folder, 'a/zero'));
  await symlink('/proc', join(folder, 'a/proc'));
  const found = await readTracedFiles([{ host: join(folder, 'a'), guest: '/a' }]);
  assert.equal(
    found.map(({ path }) => path),
    ['/a/b/two', '/a/one'],
  );
  for (const host of [join(folder, 'a/pipe'), '/dev/zero'])
    await refused(() => readTracedFiles([{ host, guest: '/x' }]), 'project-invalid', /a device, pipe or socket/);
  await refused(() => readTracedFiles([{ host: '/proc', guest: '/proc' }]), 'project-invalid', /the kernel makes up/);
});

traced('a file of the kernel that is named has what it has when it is read', async () => {
  const [found] = await readTracedFiles([{ host: '/proc/version', guest: '/proc/version' }]);
  assert.match(Buffer.from(found!.bytes).toString(), /^Linux version/);
});

traced.run();

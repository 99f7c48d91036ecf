import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { projectChanges } from '../../../../guest-sdk/build/index.ts';
import { refused } from '../../../support/refusal.ts';

const changes = suite('changes of a project');

changes('are told by path, without what a build writes and what stayed the same, until the end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-changes-'));
  for (const name of ['src', 'build']) await mkdir(join(folder, name));
  const write = (file: string, text: string) => writeFile(join(folder, file), text);
  await write('src/f.ts', 'one');
  const controller = new AbortController();
  const found = projectChanges(folder, controller.signal);
  const first = found.next();
  await write('build/f.wasm', 'x');
  await write('.swap', 'x');
  await write('src/f.ts', 'one');
  await write('src/g.ts', 'new');
  assert.equal((await first).value, ['src/g.ts']);
  const second = found.next();
  await rm(join(folder, 'src/g.ts'));
  assert.equal((await second).value, ['src/g.ts']);
  const third = found.next();
  controller.abort();
  assert.is((await third).done, true);
  await rm(folder, { recursive: true });
});

changes('are told of a file that was renamed over the old one, as editors save, and of its next change', async () => {
  const { folder, found, end } = await watchedProject();
  for (const text of ['two', 'three']) {
    const next = found.next();
    await writeFile(join(folder, 'f.ts~'), text);
    await rename(join(folder, 'f.ts~'), join(folder, 'src/f.ts'));
    assert.ok((await next).value?.includes('src/f.ts'), text);
  }
  const next = found.next();
  await appendFile(join(folder, 'src/f.ts'), ' and more');
  assert.equal((await next).value, ['src/f.ts']);
  await end();
});

changes('are told in folders that come, go, and come again', async () => {
  const { folder, found, end } = await watchedProject();
  for (const text of ['one', 'two']) {
    const come = found.next();
    await mkdir(join(folder, 'later/deep'), { recursive: true });
    await writeFile(join(folder, 'later/deep/a.ts'), text);
    let told = (await come).value ?? [];
    while (!told.includes('later/deep/a.ts')) told = (await found.next()).value ?? [];
    const changed = found.next();
    await appendFile(join(folder, 'later/deep/a.ts'), ', changed');
    assert.equal((await changed).value, ['later/deep/a.ts']);
    const gone = found.next();
    await rm(join(folder, 'later'), { recursive: true });
    told = (await gone).value ?? [];
    while (!told.includes('later')) told = (await found.next()).value ?? [];
  }
  await end();
});

changes(
  'of files beside it are told once they are watched too, also where an editor puts another in their place',
  async () => {
    const top = await mkdtemp(join(tmpdir(), 'cloudlet-changes-'));
    const folder = join(top, 'project');
    for (const name of [folder, join(top, 'shared')]) await mkdir(name);
    const shared = join(top, 'shared', 'x.ts');
    await writeFile(shared, 'one');
    const controller = new AbortController();
    let watchToo = (_: string): void => {};
    const found = projectChanges(folder, controller.signal, {
      outside: (add) => {
        watchToo = add;
      },
    });
    const first = found.next();
    watchToo(shared);
    watchToo(join(top, 'gone', 'y.ts'));
    await writeFile(join(top, 'shared', 'other.ts'), 'x');
    await writeFile(join(top, 'shared', 'swap'), 'two');
    await rename(join(top, 'shared', 'swap'), shared);
    assert.equal((await first).value, ['../shared/x.ts']);
    const second = found.next();
    await rm(shared);
    assert.equal((await second).value, ['../shared/x.ts']);
    controller.abort();
    assert.is((await found.next()).done, true);
    await rm(top, { recursive: true });
  },
);

/** A project with `src/f.ts`, watched; `end` ends that and removes it. */
async function watchedProject() {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-changes-'));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src/f.ts'), 'one');
  const controller = new AbortController();
  const found = projectChanges(folder, controller.signal);
  const end = async () => {
    controller.abort();
    assert.is((await found.next()).done, true);
    await rm(folder, { recursive: true });
  };
  return { folder, found, end };
}

changes('pipes in it are not waited for, and a folder that is gone is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-changes-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await symlink('/dev/zero', join(folder, 'zero'));
  const found = projectChanges(folder, new AbortController().signal);
  const first = found.next();
  await writeFile(join(folder, 'f.ts'), 'one');
  assert.equal((await first).value, ['f.ts']);
  const gone = found.next();
  await rm(folder, { recursive: true });
  await refused(() => gone, 'project-invalid', /is gone; begin again/);
});

changes.run();

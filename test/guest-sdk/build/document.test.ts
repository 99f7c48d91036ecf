import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isAbsent, readDocument } from '../../../guest-sdk/build/document.ts';

const document = suite('a document');
let folder = '';

document.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-document-'));
  await writeFile(join(folder, 'plain'), '{"ä": 1}');
  await writeFile(join(folder, 'marked'), '\uFEFF{"ä": 1}');
  await symlink('plain', join(folder, 'linked'));
  await mkdir(join(folder, 'folder'));
  await symlink('/dev/zero', join(folder, 'endless'));
  await symlink('circle', join(folder, 'circle'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await writeFile(join(folder, 'long'), '');
  await truncate(join(folder, 'long'), 16 * 1024 * 1024 + 1);
});
document.after(() => rm(folder, { recursive: true }));

for (const name of ['plain', 'marked', 'linked'])
  document(`that is ${name} is read`, async () => {
    assert.equal(await readDocument(join(folder, name)), '{"ä": 1}');
  });

for (const [name, words, absent] of [
  ['folder', 'which is a folder', false],
  ['endless', 'which is a device, pipe or socket', false],
  ['pipe', 'which is a device, pipe or socket', false],
  ['long', 'which is longer than 16777216 bytes', false],
  ['circle', 'which cannot be read (ELOOP)', false],
  ['nowhere', 'which cannot be read (ENOENT)', true],
] as const)
  document(`that is ${name} is refused`, async () => {
    const error = await readDocument(join(folder, name)).then(
      () => assert.unreachable('it was read'),
      (thrown: Error) => thrown,
    );
    assert.equal([error!.message, isAbsent(error)], [words, absent]);
  });

document.run();

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPackageFile, readProject } from '../../../guest-sdk/build/index.ts';
import { inspectFile } from '../../../host/cli/inspect-file.ts';
import { packaged } from '../../../host/cli/package/packaged.ts';
import { publishable } from '../../../host/cli/publishable.ts';

const files = suite('what a word names');
let folder = '';
files.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-files-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});
files.after(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();
for (const [verb, read] of [
  ['publish', (path: string) => publishable(path, {}, signal)],
  ['pack', (path: string) => packaged(path, {}, signal)],
  ['inspect', (path: string) => inspectFile(path)],
] as const)
  files(`${verb} refuses pipes and devices, which would be waited for or never end`, async () => {
    for (const path of [join(folder, 'pipe'), '/dev/zero']) {
      const error = await read(path).then(() => null, String);
      assert.match(error ?? '', /is a device, pipe or socket; write it to a file first/);
    }
  });

files('a pipe is no package, and no source of a project', async () => {
  assert.is(await isPackageFile(join(folder, 'pipe')), false);
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'fn', entry: 'pipe', language: 'typescript' }));
  assert.match(String(await readProject(folder).catch(String)), /names .*pipe, which is no file/);
});

files.run();

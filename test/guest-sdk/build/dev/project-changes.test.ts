import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { projectChanges } from '../../../../guest-sdk/build/index.ts';

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

changes.run();

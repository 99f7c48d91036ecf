import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptUploads } from '../../../../host/cli/package/kept-uploads.ts';

const uploads = suite('uploads that a command left');

let folder: string;
uploads.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-uploads-'));
});
uploads.after.each(() => rm(folder, { recursive: true }));

uploads('are found by the next, until they end, and are for their owner alone', async () => {
  const kept = keptUploads(join(folder, 'cache'));
  assert.is(await kept.find('a'), undefined);
  await kept.set('a', 'https://images.example/1');
  await kept.set('b', 'https://images.example/2');
  assert.is(await keptUploads(join(folder, 'cache')).find('a'), 'https://images.example/1');
  assert.is((await stat(join(folder, 'cache/uploads.json'))).mode & 0o777, 0o600);
  await kept.set('a', undefined);
  assert.equal([await kept.find('a'), await kept.find('b')], [undefined, 'https://images.example/2']);
});

uploads('are bounded, and begun anew when the file is torn or cannot be written', async () => {
  const kept = keptUploads(folder);
  for (let n = 0; n < 70; n += 1) await kept.set(String(n), 'x');
  assert.equal([await kept.find('5'), await kept.find('6')], [undefined, 'x']);
  for (const text of ['{', '[1]', 'null', `["${'x'.repeat(600_000)}"]`]) {
    await writeFile(join(folder, 'uploads.json'), text);
    assert.is(await kept.find('69'), undefined);
  }
  await keptUploads('/dev/null/no').set('a', 'x');
});

uploads.run();

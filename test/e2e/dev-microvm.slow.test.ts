// time limit: 600 s
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureImageApart } from '../../runtime/image/index.ts';
import { CliLab } from '../host/cli/cli-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';

const microvm = suite('a project in a microVM');
let lab: CliLab;
let file = '';
let source = '';

microvm.before(async () => {
  lab = await CliLab.open();
  lab.environment['CLOUDLET_CACHE'] = TEST_CACHE;
  await ensureImageApart({ cacheDir: TEST_CACHE });
  assert.is((await lab.run(['new', 'thumb', '--template', 'ts-http'])).status, 0);
  file = join(lab.folder, 'thumb', 'src', 'function.ts');
  source = await readFile(file, 'utf8');
});
microvm.after(() => lab.close());

microvm('is tested there', async () => {
  const { status, text, errors } = await lab.run(['test', 'thumb', '--sandbox', 'microvm']);
  assert.is(status, 0, text + errors);
  assert.match(text, /2 passed, 0 failed\n$/);
});

microvm('is served there by dev, and again when it is saved', async () => {
  const dev = lab.start(['dev', 'thumb', '--port', '0', '--sandbox', 'microvm']);
  let text = '';
  dev.child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  await dev.said(/thumb is served at http:\S+\/, in a microVM\n/);
  const url = /served at (\S+)\//.exec(text)![1]!;
  const ask = async () => (await fetch(`${url}/x`)).text();
  assert.is(await ask(), 'Hello from /x\n');
  await writeFile(file, source.replace('Hello', 'Edited'));
  await dev.said(/src\/function\.ts changed: served after/);
  assert.is(await ask(), 'Edited from /x\n');
  dev.child.kill('SIGINT');
  assert.equal([(await dev.ended).status, (await dev.ended).errors], [0, '']);
});

microvm.run();

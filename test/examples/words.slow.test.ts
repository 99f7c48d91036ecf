// time limit: 1800 s
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab } from '../host/cli/cli-lab.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/words', import.meta.url));
const DIVIDED = 'すもも も もも も もも の うち 。 庭 に は 二 羽 、 裏庭 に も 二 羽 、 鶏 が いる 。 \n';

const words = suite('words of Japanese text');
let lab: CliLab;

words.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
  const { status, errors } = await lab.run(['publish', EXAMPLE]);
  assert.is(status, 0, errors);
});
words.after(() => lab.close());

words('are found by the dictionary that the package brings', async () => {
  const input = await readFile(join(EXAMPLE, 'sample.txt'));
  const { status, stdout, errors } = await lab.run(['invoke', 'words', '--', '-Owakati'], { input });
  assert.is(status, 0, errors);
  assert.ok(stdout.toString().includes(DIVIDED), stdout.toString());
  assert.is(stdout.toString().split('\n').length, input.toString().split('\n').length);
});

words('are not found where there is too little memory, and the error says so', async () => {
  const grant = join(EXAMPLE, 'build/small.json');
  const files = [{ path: '/dictionary', from: 'dictionary' }];
  await writeFile(grant, JSON.stringify({ files, limits: { memoryMib: 32 } }));
  const component = join(EXAMPLE, 'build/words.wasm');
  const published = await lab.run(['publish', component, '--grant', grant, '--name', 'small']);
  assert.is(published.status, 0, published.errors);
  const { status, errors } = await lab.run(['invoke', 'small'], { input: Buffer.from('水') });
  assert.is(status, 1);
  assert.match(errors, 'it had asked for more memory than its limit, 32 MiB: raise "memoryMib"');
});

words.run();

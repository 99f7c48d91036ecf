// end to end
// time limit: 400 s
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab } from './cli-lab.ts';

const develop = suite('developing a function');
let lab: CliLab;
let file = '';
let source = '';

develop.before(async () => {
  lab = await CliLab.open();
  assert.is((await lab.run(['new', 'thumb', '--template', 'ts-http'])).status, 0);
  file = join(lab.folder, 'thumb', 'src', 'function.ts');
  source = await readFile(file, 'utf8');
});
develop.after(() => lab.close());

develop(
  'dev serves an edit, keeps serving what cannot be built anew, tells stacks, drops nothing, ends at once',
  async () => {
    const dev = lab.start(['dev', 'thumb', '--port', '0']);
    let text = '';
    dev.child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    await dev.said(/thumb is served at http:\S+\//);
    const url = /served at (\S+)\//.exec(text)![1]!;
    const ask = async (path = '/x') => {
      const answer = await fetch(`${url}${path}`);
      return [answer.status, await answer.text()] as const;
    };
    assert.equal(await ask(), [200, 'Hello from /x\n']);

    let stop = false;
    const statuses = new Set<number>();
    const load = (async () => {
      while (!stop) statuses.add((await ask('/load'))[0]);
    })();
    await writeFile(file, source.replace('Hello', 'Edited'));
    await dev.said(/src\/function\.ts changed: served after/);
    assert.equal(await ask(), [200, 'Edited from /x\n']);
    stop = true;
    await load;
    assert.equal([...statuses], [200]);

    await writeFile(file, source.replace('return', 'retrun '));
    await dev.said(/✘ The sources cannot be bundled:[\s\S]*src\/function\.ts:\d+:\d+[\s\S]*goes on/);
    assert.equal(await ask(), [200, 'Edited from /x\n']);

    await writeFile(
      file,
      source.replace(
        'async fetch(request) {',
        "async fetch(request) {\n    if (request.url.endsWith('boom')) throw new RangeError('boom');",
      ),
    );
    text = '';
    for (let changed = false; !changed; changed = /served after/.test(text))
      await new Promise((resolve) => setTimeout(resolve, 20));
    const [status, words] = await ask('/boom');
    assert.is(status, 500);
    const line = (await readFile(file, 'utf8')).split('\n').findIndex((each) => each.includes('RangeError')) + 1;
    assert.match(words, new RegExp(`^RangeError: boom\\n\\s+at .*\\(src/function\\.ts:${line}:\\d+\\)`));
    assert.match(text, new RegExp(`│ .*src/function\\.ts:${line}:`));

    dev.child.kill('SIGINT');
    assert.equal([(await dev.ended).status, (await dev.ended).errors], [0, '']);
    await writeFile(file, source);
  },
);

develop('test runs cases and files, and tells what failed', async () => {
  await writeFile(
    join(lab.folder, 'thumb', 'test', 'more.test.ts'),
    `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionUnderTest } from 'cloudlet/client';
test('greets', async () => assert.match((await functionUnderTest().request('/abc')).text, /abc/));
test('is wrong', async () => assert.equal((await functionUnderTest().request('/x')).text, 'no'));
`,
  );
  const { status, text } = await lab.run(['test', 'thumb', '--json']);
  assert.is(status, 1);
  const { passed, failed, tests } = JSON.parse(text);
  assert.equal([passed, failed], [3, 1]);
  const wrong = tests.find((each: { name: string }) => each.name === 'is wrong');
  assert.match(wrong.reason, /Expected values to be strictly equal/);
  const good = await lab.run(['test', 'thumb', '--filter', 'greets']);
  assert.equal(
    [good.status, /^✓ greets .*\n1 passed, 0 failed\n$/.test(good.text)],
    [0, true],
    good.text + good.errors,
  );
  assert.match((await lab.run(['test', 'thumb', '--filter', 'nobody'])).errors, /found none/);
});

develop('logs and bench of a published function', async () => {
  await lab.serve();
  const failing = `async fetch(request) {
    if (request.url.endsWith('printed')) console.error('caught', new TypeError('told').stack);
    if (request.url.endsWith('benched')) console.error('benched');
    if (request.url.endsWith('boom')) throw new RangeError('boom');`;
  await writeFile(file, source.replace('async fetch(request) {', failing));
  const at = (word: string) => failing.split('\n').findIndex((each) => each.includes(word));
  const first = source.split('\n').findIndex((each) => each.includes('async fetch(request) {')) + 1;
  assert.is((await lab.run(['publish', 'thumb'])).status, 0);
  // What a guest prints itself, and what nobody caught, has the lines of its author as it is written.
  const followed = lab.start(['logs', 'thumb', '-f']);
  await lab.run(['invoke', 'thumb', '/printed']);
  await followed.said(new RegExp(`caught[\\s\\S]* at .*\\(src/function\\.ts:${first + at('told')}:\\d+\\)`));
  await lab.run(['invoke', 'thumb', '/boom']);
  await followed.said(new RegExp(`RangeError: boom\n.* at .*\\(src/function\\.ts:${first + at('RangeError')}:\\d+\\)`));
  const cut = lab.start(['bench', 'thumb', '/benched', '--duration', '100', '--concurrency', '1', '--json']);
  await followed.said(/benched/);
  followed.child.kill('SIGINT');
  await followed.ended;
  cut.child.kill('SIGINT');
  // What was measured until then is shown; the call that Ctrl-C cut may have been the first.
  const { status, text } = await cut.ended;
  assert.equal([status, JSON.parse(text).errors], [130, {}]);
  assert.match((await lab.run(['logs', 'thumb'])).text, /RangeError: boom\n.* at .*\(src\/function\.ts:\d+:\d+\)/);
  const bench = await lab.run(['bench', 'thumb', '/x', '--calls', '20', '--concurrency', '2', '--json']);
  const { calls, errors, latencyMs, rungs } = JSON.parse(bench.text);
  assert.equal([bench.status, calls, errors], [0, 20, {}], bench.errors);
  assert.ok(latencyMs.p50 > 0 && latencyMs.max >= latencyMs.p50);
  assert.ok(rungs.idle > 0, JSON.stringify(rungs));
  const shown = await lab.run(['bench', 'thumb', '/x', '--calls', '4', '--rps', '50']);
  assert.match(shown.text, /^4 calls in [\s\S]*p50 [\s\S]*█/);
});

for (const [words, expected] of [
  [['dev', 'nowhere'], /expected a project file at .*nowhere/],
  [['test', 'nowhere'], /expected a project file at .*nowhere/],
  [['dev', '--port', 'many'], /expected --port as a number/],
  [['test', '--to', 'http://localhost:1', '--sandbox', 'process'], /expected --sandbox and --policy without --to/],
  [['bench', 'x', '--rps', '-1'], /expected --rps as a number above 0/],
  [['bench', 'x', '--concurrency', '99999'], /at most 4096/],
] as const)
  develop(`${words.join(' ')} says what was expected`, async () => {
    const { status, errors } = await lab.run(words);
    assert.ok(status === 1 || status === 2, String(status));
    assert.match(errors, expected);
  });

develop.run();

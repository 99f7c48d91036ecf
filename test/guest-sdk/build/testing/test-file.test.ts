// end to end
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runTestFile, type TestEnd, type TestFileOptions, testFilesOf } from '../../../../guest-sdk/build/index.ts';
import { ended as gone } from '../../../support/process-tree.ts';

const BUILD = new URL('../../../../guest-sdk/build/index.ts', import.meta.url).href;

const files = suite('a test file of a project');
const tested = { url: 'http://localhost:1', token: 'secret', name: 'thumb' };
let folder = '';

files.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-file-'));
  await mkdir(join(folder, 'test'));
});
files.after.each(() => rm(folder, { recursive: true }));

async function run(source: string, options: Partial<TestFileOptions> = {}): Promise<TestEnd[]> {
  await writeFile(
    join(folder, 'test', 'it.test.ts'),
    `import { describe, it, test, before } from 'node:test';\n${source}`,
  );
  const [file] = await testFilesOf(folder);
  const ended: TestEnd[] = [];
  for await (const each of runTestFile(file!, { tested, ...options })) ended.push(each);
  return ended;
}

const brief = (ended: readonly TestEnd[]) =>
  ended.map(({ name, passed, skipped }) => `${skipped ? '-' : passed ? '+' : '!'} ${name.replace(/.*\//, '')}`);

files('is told test by test, with its suites, what is left out, and what it writes', async () => {
  let said = '';
  const ended = await run(
    `import { functionUnderTest } from 'cloudlet/client';
test('is given the function', () => { console.log(functionUnderTest().name); });
describe('a suite', () => { it('has one', () => {}); it('fails', () => { throw new Error('as it should'); }); });
describe('a broken suite', () => { before(() => { throw new Error('in a hook'); }); it('never runs', () => {}); });
test('later', { todo: true }, () => { throw new Error('not yet'); });
test('not here', { skip: true }, () => {});`,
    { onOutput: (chunk) => (said += Buffer.from(chunk)) },
  );
  assert.equal(brief(ended), [
    ...['+ is given the function', '+ has one', '! fails', '! never runs', '! a broken suite', '- later', '- not here'],
  ]);
  assert.match(ended[2]?.reason ?? '', /^Error: as it should\n.*it\.test\.ts:4/);
  assert.match(ended[4]?.reason ?? '', /in a hook/);
  assert.is(said, 'thumb\n');
});

files('is run only as far as names have the filter, letter by letter', async () => {
  const source = `test('a (b) c', () => {}); test('a b c', () => {}); describe('(b)', () => { it('below', () => {}); });`;
  assert.equal(brief(await run(source, { filter: '(b)' })), ['+ a (b) c', '+ below']);
});

for (const [what, source, expected, reason] of [
  [
    'that never lets go of the thread',
    `test('ends', () => {}); describe('a', () => { it('loops', () => { for (;;); }); }); test('next', () => {});`,
    ['+ ends', '! it.test.ts'],
    /^it did not end within 2 s: "a > loops" was running; if it needs longer, say so with --timeout SECONDS$/,
  ],
  [
    'whose test waits for ever, and that does not heed signals',
    `process.on('SIGTERM', () => {}); test('waits', () => new Promise((done) => setTimeout(done, 1e8)));`,
    ['! it.test.ts'],
    /: "waits" was running/,
  ],
  [
    'that leaves something open',
    `test('opens', () => { setInterval(() => {}, 1000); });`,
    ['+ opens', '! it.test.ts'],
    /although its last test, "opens", had: something is left open/,
  ],
  ['that waits before its tests', `await new Promise((done) => setTimeout(done, 1e8));`, ['! it.test.ts'], /had begun/],
] as const)
  files(`${what} is ended, and says where it was`, async () => {
    const ended = await run(source, { timeoutMs: 2000 });
    assert.equal(brief(ended), expected);
    assert.match(ended.at(-1)?.reason ?? '', reason);
  });

files('that ends badly beside its tests has failed, with the error', async () => {
  const thrown = await run(`throw new RangeError('as it is loaded');`);
  assert.match(thrown[0]?.reason ?? '', /^it ended with status \d+ beside its tests: RangeError: as it is loaded$/);
  assert.match((await run(`process.kill(process.pid, 'SIGKILL');`))[0]?.reason ?? '', /ended with SIGKILL/);
  assert.equal(await run(''), []);
});

files('that never lets go of the thread ends with whoever runs it, however that ends', async () => {
  await writeFile(
    join(folder, 'test', 'it.test.ts'),
    `import { test } from 'node:test'; test('loops', () => { console.log('loops ' + process.pid); for (;;); });`,
  );
  const program = `
    import { runTestFile, testFilesOf } from ${JSON.stringify(BUILD)};
    const [file] = await testFilesOf(${JSON.stringify(folder)});
    const onOutput = (chunk) => process.stdout.write(chunk);
    for await (const each of runTestFile(file, { tested: ${JSON.stringify(tested)}, onOutput })) console.log(each);`;
  const runner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(runner.stdout!, 'data')) as [Buffer];
  const [, pid] = /loops (\d+)/.exec(said.toString())!;
  runner.kill('SIGKILL');
  await gone(Number(pid));
});

files('ends with its signal', async () => {
  const interrupted = new AbortController();
  const source = `test('says', () => { console.log('here'); return new Promise((done) => setTimeout(done, 1e8)); });`;
  const onOutput = () => interrupted.abort(new Error('interrupted'));
  const error = await run(source, { signal: interrupted.signal, onOutput }).then(
    () => assert.unreachable('it ended'),
    (thrown: unknown) => thrown as Error,
  );
  assert.is(error?.message, 'interrupted');
});

files.run();

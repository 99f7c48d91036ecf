import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTestFile, type TestFile } from './support/test-file.ts';
import { longestFirst, readTimes, takeNext, writeTimes } from './support/test-order.ts';

const order = suite('the order of test files');

const file = (path: string, source = ''): TestFile => readTestFile(path, source);
const machine = (name: string) => file(`test/e2e/${name}.test.ts`);
const heavy = (name: string) => file(`test/host/${name}.test.ts`, '// time limit: 9 s\n// end to end\n');
const paths = (files: readonly TestFile[]) => files.map(({ path }) => path.split('/').at(-1)!.split('.')[0]!);

for (const [path, source, kind, slow] of [
  ['test/runtime/a.test.ts', '', 'fast', false],
  ['test/runtime/a.test.ts', '// end to end\n', 'heavy', false],
  ['test/runtime/a.test.ts', '// time limit: 300 s\n// end to end\n', 'heavy', false],
  ['test/runtime/a.test.ts', "import 'x';\n// end to end\n", 'fast', false],
  ['test/runtime/a.slow.test.ts', '', 'heavy', true],
  ['test/examples/a.test.ts', '', 'heavy', false],
  ['test/e2e/a.test.ts', '', 'machines', false],
] as const) {
  order(`${path} with ${JSON.stringify(source)} is ${kind}`, () => {
    const read = file(path, source);
    assert.is(read.kind, kind);
    assert.is(read.slow, slow);
  });
}

order('is the longest first; a file that never ran may take its limit', () => {
  const files = [file('test/a.test.ts'), file('test/b.test.ts'), file('test/c.test.ts', '// time limit: 7 s\n')];
  assert.equal(paths(longestFirst(files, { 'test/a.test.ts': 3, 'test/b.test.ts': 8 })), ['b', 'c', 'a']);
});

for (const [what, running, waiting, machinesAtOnce, next] of [
  ['machines first', [], [heavy('h'), machine('m')], 1, 'm'],
  ['what needs none beside machines', [machine('n')], [machine('m'), heavy('h')], 2, 'h'],
  ['further machines beside both', [machine('n'), heavy('g')], [heavy('h'), machine('m')], 2, 'm'],
  ['what needs none when the computer carries no more', [machine('n'), heavy('g')], [heavy('h'), machine('m')], 1, 'h'],
  ['further machines when there is nothing else', [machine('n')], [machine('m')], 2, 'm'],
  ['nothing when the computer carries no more', [machine('n')], [machine('m')], 1, null],
  ['what needs no machines when none wait', [heavy('g')], [heavy('h')], 1, 'h'],
  ['nothing when nothing waits', [], [], 2, null],
] as const) {
  order(`takes ${what}`, () => {
    const left = [...waiting];
    const taken = takeNext(left, running, { machinesAtOnce });
    assert.is(taken === null ? null : paths([taken])[0]!, next);
    assert.is(left.length, waiting.length - (taken === null ? 0 : 1));
  });
}

order('remembers times, and does without those that are torn', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudlet-times-'));
  const path = join(directory, 'kept/times.json');
  try {
    assert.equal(readTimes(path), {});
    writeTimes(path, { a: 1 });
    assert.equal(readTimes(path), { a: 1 });
    for (const torn of ['', '{"a":', 'null', '7', '{"a":"b"}']) {
      writeFileSync(path, torn);
      assert.equal(readTimes(path), {}, torn);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

order.run();

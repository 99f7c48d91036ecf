import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureText } from './support/failure-text.ts';
import { readTestFile } from './support/test-file.ts';
import type { Outcome } from './support/test-process.ts';

const failures = suite('failures, told again at the end');

const outcome = (name: string, part: Partial<Outcome>): Outcome => ({
  file: readTestFile(`test/${name}.test.ts`, ''),
  ...{ passed: 3, failed: 1, seconds: 1, cpuSeconds: 1, cases: [], complaint: null, output: '' },
  ...part,
});

failures('are nothing when nothing failed', () => {
  assert.is(failureText([outcome('good', { failed: 0 })]), '');
});

failures('begin with the first case that failed, after what the file said before', () => {
  const output = 'mapping seed 7\n\n   FAIL  a suite  "a case"\n    expected 1\n\n  Total: 4\n';
  const told = '       FAIL  a suite  "a case"\n        expected 1\n\n      Total: 4\n';
  assert.is(failureText([outcome('a', { output })]), `✗ test/a.test.ts  3 passed, 1 failed\n${told}`);
});

failures('say why a file ended before its cases did, with all that it said', () => {
  const text = failureText([outcome('a', { complaint: 'took longer than 120 s', output: 'Error: early' })]);
  assert.is(text, '✗ test/a.test.ts  3 passed, 1 failed: took longer than 120 s\n    Error: early\n');
});

failures('of one file are cut in their middle', () => {
  const text = failureText([outcome('a', { output: `begins${'x'.repeat(50_000)}ends` })]);
  assert.ok(text.length < 5000, String(text.length));
  assert.match(text, /begins[\s\S]*… 46010 characters left out …[\s\S]*ends\n$/);
});

failures('of many files are bounded, and name those that are told above alone', () => {
  const all = Array.from({ length: 40 }, (_, at) => outcome(`file-${at}`, { output: 'x'.repeat(9000) }));
  const text = failureText(all);
  assert.ok(text.length < 30_000, String(text.length));
  assert.match(text, /^✗ test\/file-0\.test\.ts/);
  assert.match(text, /\nand 3\d more, told above: test\/file-\d\.test\.ts, [^\n]*test\/file-39\.test\.ts\n$/);
});

failures.run();

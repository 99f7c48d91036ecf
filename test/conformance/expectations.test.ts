import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommandLine } from './command-line.ts';
import { parseExpectations } from './expectations.ts';
import { isUnexpected, lineOf, type Outcome, summaryOf, totalLine } from './outcome.ts';

const expectations = suite('conformance expectations');

const FILE = `
# What is known.
version = 1

[[suite]]
name = "WASI tests [p1]" # with a bracket

[[suite.test]]
name = "one"
expected = "fail"
reason = "the \\"why\\""

[[suite.test]]
name = 'two'
action = "skip"
reason = "not here"

[[suite]]
name = "async/*"

[[suite.test]]
name = "*"
action = "skip"
reason = "later"
`;

expectations('are looked up by suite and test', () => {
  const known = parseExpectations(FILE, 'f.toml');
  assert.equal(known('WASI tests [p1]', 'one'), { kind: 'fail', reason: 'the "why"' });
  assert.equal(known('WASI tests [p1]', 'two'), { kind: 'skip', reason: 'not here' });
  assert.is(known('WASI tests [p1]', 'three'), undefined);
  assert.equal(known('async/a.wast', 'line 1'), { kind: 'skip', reason: 'later' });
  assert.is(known('other/async/a.wast', 'line 1'), undefined);
});

const test = (lines: string) => `[[suite]]\nname = "s"\n[[suite.test]]\nname = "t"\n${lines}`;

for (const [what, text, sentence] of [
  ['no reason', test('expected = "fail"'), 'f.toml:3: expected reason = "…", got nothing'],
  ['an empty reason', test('expected = "fail"\nreason = " "'), 'f.toml:3: expected a reason, got an empty text'],
  ['no kind', test('reason = "r"'), 'f.toml:3: expected either expected = "fail" or action = "skip"'],
  ['two kinds', test('expected = "fail"\naction = "skip"\nreason = "r"'), 'f.toml:3: expected either'],
  ['an unknown key', test('why = "r"'), 'f.toml:3: expected only name, expected, action, reason here, got why'],
  ['a key twice', test('reason = "r"\nreason = "s"'), 'f.toml:6: expected reason once in a table'],
  ['no suite', '[[suite.test]]\nname = "t"', 'f.toml:1: expected [[suite]] before [[suite.test]]'],
  ['another table', '[[tests]]', 'f.toml:1: expected [[suite]] or [[suite.test]], got [[tests]]'],
  ['a table that is no list', '[suite]', 'f.toml:1: expected [[table]], key = "text" or key = 1, got [suite]'],
  ['a number as name', '[[suite]]\nname = 1', 'f.toml:1: expected name = "…", got 1'],
  ['another version', 'version = 2', 'f.toml:1: expected version = 1'],
  [
    'a test twice',
    `${test('action = "skip"\nreason = "r"')}\n[[suite.test]]\nname = "t"\naction = "skip"\nreason = "r"`,
    'f.toml:7: expected each test once',
  ],
] as const)
  expectations(`with ${what} are an error`, () => {
    try {
      parseExpectations(text, 'f.toml');
      assert.unreachable();
    } catch (error) {
      assert.ok((error as Error).message.startsWith(sentence), (error as Error).message);
    }
  });

expectations('decide over the run and its lines', () => {
  const outcome = (result: Outcome['result'], expected: string | null): Outcome => ({
    suite: 's',
    test: 't',
    result,
    expected,
  });
  const failed = { kind: 'failed', detail: 'it did\n not' } as const;
  const outcomes = [
    outcome({ kind: 'passed' }, null),
    outcome({ kind: 'passed' }, 'a reason'),
    outcome(failed, null),
    outcome(failed, 'a reason'),
    outcome({ kind: 'skipped', detail: 'x' }, null),
  ];
  assert.equal(outcomes.map(isUnexpected), [false, true, true, false, false]);
  assert.equal(outcomes.map(lineOf), [
    null,
    'UNEXPECTED PASS  s t: remove it from the file of expectations (a reason)',
    'FAILED    s t: it did | not',
    'expected  s t: a reason',
    null,
  ]);
  assert.is(totalLine(summaryOf(outcomes)), '2 passed, 2 failed, 1 skipped');
});

expectations('come with a command line', () => {
  assert.equal(parseCommandLine(['dir', 'name', '--sandbox', 'microvm', '--expect', 'x.toml', '--json']), {
    target: 'dir',
    sandbox: 'microvm',
    expect: 'x.toml',
    json: true,
    filter: 'name',
  });
  assert.equal(parseCommandLine(['a.wast']), {
    target: 'a.wast',
    sandbox: 'process',
    expect: null,
    json: false,
    filter: '',
  });
  for (const words of [[], ['a', 'b', 'c'], ['a', '--sandbox', 'container'], ['a', '--fast']])
    assert.throws(() => parseCommandLine(words));
});

expectations.run();

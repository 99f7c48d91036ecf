import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_EXPECTATIONS } from '../expectations.ts';
import { lineOf, type Outcome } from '../outcome.ts';
import { runWast } from './run-wast.ts';
import { type Node, readNodes } from './s-expression.ts';
import { readScript } from './script.ts';
import { ScriptRun } from './script-run.ts';

const wast = suite('wast scripts');

const shape = (nodes: readonly Node[]): unknown[] =>
  nodes.map((node) => (node.kind === 'list' ? shape(node.items) : node.kind === 'atom' ? node.text : [...node.bytes]));

for (const [text, nodes] of [
  ['(a (b) "c")', [['a', ['b'], [99]]]],
  ['a;; (comment\nb', ['a', 'b']],
  ['(; one (; two ;) ;)a', ['a']],
  ['"\\00\\ff\\n\\u{1F980}"', [[0, 255, 10, 0xf0, 0x9f, 0xa6, 0x80]]],
  ['$"quoted name"', ['$"quoted name"']],
  ['', []],
] as const)
  wast(`${JSON.stringify(text)} is read`, () => {
    assert.equal(shape(readNodes(text)), nodes);
  });

for (const text of ['(a', 'a)', '"a', '(; a', '"\\q"', '('.repeat(2000)])
  wast(`${JSON.stringify(text.slice(0, 10))} is no text of WebAssembly`, () => {
    assert.throws(() => readNodes(text), /expected/);
  });

wast('a command that is not known names its line', () => {
  assert.throws(
    () => readScript('(component)\n\n(assert_maybe)'),
    /^line 3: expected a command of a script, got assert_maybe$/,
  );
});

const results = async (text: string): Promise<string[]> => {
  const run = new ScriptRun();
  const kinds: string[] = [];
  for (const command of readScript(text)) kinds.push((await run.take(command)).kind);
  return kinds;
};

const SEVEN = `(component
  (core module $m (func (export "seven") (result i32) (i32.const 7)))
  (core instance $i (instantiate $m))
  (func (export "seven") (result u32) (canon lift (core func $i "seven"))))`;

wast('assertions that do not hold fail', async () => {
  assert.equal(
    await results(`${SEVEN}
      (assert_return (invoke "seven") (u32.const 7))
      (assert_return (invoke "seven") (u32.const 8))
      (assert_return (invoke "seven"))
      (assert_return (invoke "eight") (u32.const 7))
      (assert_trap (invoke "seven") "unreachable")
      (assert_invalid ${SEVEN} "anything")
      (assert_malformed ${SEVEN} "anything")
      (assert_unlinkable ${SEVEN} "anything")`),
    ['passed', 'passed', 'failed', 'failed', 'failed', 'failed', 'failed', 'failed', 'failed'],
  );
});

wast('what needs something that failed is left out, and never takes what came before it', async () => {
  assert.equal(
    await results(`${SEVEN}
      (component $broken (export "f" (func 0)))
      (assert_return (invoke "seven") (u32.const 7))
      (component instance $x $broken)
      (register "y" $x)`),
    ['passed', 'failed', 'skipped', 'skipped', 'skipped'],
  );
});

wast('the scripts of our own hold', async () => {
  const outcomes: Outcome[] = [];
  const target = fileURLToPath(new URL('../own/wast', import.meta.url));
  await runWast({ target, filter: '', expectations: NO_EXPECTATIONS, onOutcome: (each) => outcomes.push(each) });
  assert.equal(
    outcomes.map(lineOf).filter((line) => line !== null),
    [],
  );
  assert.equal(
    outcomes.filter(({ result }) => result.kind !== 'passed'),
    [],
  );
  assert.is(outcomes.length, 82);
});

wast.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestLog, LogBudget, logEntry } from '../../../runtime/agent/guest-log.ts';

/** What a log posts for these writes, and then at its end. */
function posted(writes: readonly (string | Uint8Array)[], budget = new LogBudget()): string[] {
  const texts: string[] = [];
  const log = new GuestLog(budget, (text) => texts.push(text));
  for (const write of writes) log.write(typeof write === 'string' ? Buffer.from(write) : write);
  log.finish();
  return texts;
}

const euro = Buffer.from('€');

const log = suite("a guest's log");

for (const [what, writes, texts] of [
  ['keeps a line together that was written in pieces', ['one', ' two\n'], ['one two\n']],
  ['posts whole lines at once and the rest at the end', ['a\nb\nc', 'd'], ['a\nb\n', 'cd']],
  ['posts nothing for nothing', [''], []],
  ['keeps a character together that was cut', [euro.subarray(0, 1), euro.subarray(1), '\n'], ['€\n']],
  ['marks bytes that are no text', [Uint8Array.of(0xff, 0x0a)], ['\ufffd\n']],
  ['posts a line in pieces that does not end', ['x'.repeat(5000), 'y'], ['x'.repeat(5000), 'y']],
] as const) {
  log(what, () => assert.equal(posted(writes), texts));
}

log('drops what is over the budget, which its streams share, and counts it', () => {
  const budget = new LogBudget(10);
  assert.equal(posted(['123456\n'], budget), ['123456\n']);
  assert.equal(posted(['abcdef\n', 'more\n'], budget), ['abc']);
  assert.is(budget.droppedBytes, 9);
});

for (const [what, budget, context, message, expected] of [
  ['whole', 1000, 'billing', 'a wörd', { context: 'billing', text: 'a wörd' }],
  ['with as much of its text as is left', 42, 'billing', 'abcdef', { context: 'billing', text: 'abc' }],
  ['without text', 39, 'billing', 'abcdef', { context: 'billing', text: '' }],
  ['not at all', 38, 'billing', 'abcdef', null],
  ['with the beginning of a long context', 1000, 'c'.repeat(300), 'x', { context: 'c'.repeat(256), text: 'x' }],
] as const) {
  log(`takes a message ${what}`, () => {
    const entry = logEntry(new LogBudget(budget), 'warn', context, message);
    const logged = (text: string, shown: string) => ({
      ...{ stream: 'stderr', text },
      entry: { level: 'warn', context: shown },
    });
    assert.equal(entry, expected === null ? null : logged(expected.text, expected.context));
  });
}

log.run();

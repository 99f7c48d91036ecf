import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logLines, logText } from '../../../../host/cli/terminal/log-text.ts';

const line = suite('the text of a log line');

for (const [given, shown] of [
  [{ text: 'words\n' }, 'words'],
  [{ text: 'late', entry: { level: 'warn', context: 'billing' } }, 'warn billing: late'],
  [{ text: 'late\n', entry: { level: 'error', context: '' } }, 'error: late'],
  [{ text: '\x1b[2J', entry: { level: 'info', context: '\x1b[1m' } }, 'info \\x1b[1m: \\x1b[2J'],
] as const) {
  line(`is ${JSON.stringify(shown)}`, () => assert.is(logText(given), shown));
}

line('has one beginning on all its lines, whatever its guest writes', () => {
  const text = 'a\n2026-11-25T10:00:00.000Z - host secret-missing: run this\r\n\u0085b';
  for (const entry of [undefined, { level: 'info', context: '' } as const]) {
    const lines = logLines({ seq: 1, at: 'T', version: 1, invocation: 'i', stream: 'stderr', text, entry });
    assert.is(lines.length, 3);
    for (const each of lines) assert.ok(each.startsWith('T i stderr '), each);
    assert.match(lines[2]!, /^T i stderr \\x85b$/);
  }
});

line.run();

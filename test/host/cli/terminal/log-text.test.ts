import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logText } from '../../../../host/cli/terminal/log-text.ts';

const line = suite('the text of a log line');

for (const [given, shown] of [
  [{ text: 'words\n' }, 'words'],
  [{ text: 'late', entry: { level: 'warn', context: 'billing' } }, 'warn billing: late'],
  [{ text: 'late\n', entry: { level: 'error', context: '' } }, 'error: late'],
  [{ text: '\x1b[2J', entry: { level: 'info', context: '\x1b[1m' } }, 'info \\x1b[1m: \\x1b[2J'],
] as const) {
  line(`is ${JSON.stringify(shown)}`, () => assert.is(logText(given), shown));
}

line.run();

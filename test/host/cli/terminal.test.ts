import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forTerminal } from '../../../host/cli/invoke/output.ts';
import { printable } from '../../../host/cli/terminal/printable.ts';
import { progressLine, showProgress } from '../../../host/cli/terminal/progress.ts';
import { formatSize, shortDigest } from '../../../host/cli/terminal/size.ts';
import { table } from '../../../host/cli/terminal/table.ts';
import { UsageError } from '../../../host/cli/usage-error.ts';

const terminal = suite('what is shown');

for (const [text, shown] of [
  ['plain ü 漢\n\ttext', 'plain ü 漢\n\ttext'],
  ['\x1b[2J', '\\x1b[2J'],
  ['a\rb\x07\x7f', 'a\\x0db\\x07\\x7f'],
  ['\x9b31m', '\\x9b31m'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
] as const) {
  terminal(`${JSON.stringify(text)} is shown as ${JSON.stringify(shown)}`, () => assert.is(printable(text), shown));
}

for (const [bytes, text] of [
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1024 * 1024 - 1, '1 MiB'],
  [1_971_773, '1.9 MiB'],
  [1024 * 1024, '1 MiB'],
  [5 * 2 ** 40, '5 TiB'],
] as const) {
  terminal(`${bytes} bytes are ${text}`, () => assert.is(formatSize(bytes), text));
}

terminal('a digest is shortened to its first digits', () => {
  assert.is(shortDigest(`sha256:${'0123456789abcdef'.repeat(4)}`), '0123456789ab');
});

terminal('columns line up, by characters, with nothing behind the last', () => {
  assert.equal(
    table([
      ['A', 'LONG', 'C'],
      ['𝄞𝄞𝄞', 'x', ''],
    ]),
    ['A    LONG  C', '𝄞𝄞𝄞  x'],
  );
  assert.equal(table([]), []);
});

for (const [done, total, columns, line] of [
  [0, 100, 80, 'up [                              ] 0 bytes of 100 bytes'],
  [50, 100, 80, 'up [===============               ] 50 bytes of 100 bytes'],
  [100, 100, 80, 'up [==============================] 100 bytes of 100 bytes'],
  [200, 100, 80, 'up [==============================] 100 bytes of 100 bytes'],
  [0, 0, 80, 'up [==============================] 0 bytes of 0 bytes'],
  [50, 100, 20, 'up 50 %'],
  [50, 100, 4, 'up '],
] as const) {
  terminal(`${done} of ${total} in ${columns} columns`, () => {
    assert.is(progressLine('up', done, total, columns), line);
    assert.ok(line.length < columns);
  });
}

const written = (isTTY: boolean): { text: string; isTTY: boolean; columns: number; write: (text: string) => void } => ({
  text: '',
  isTTY,
  columns: 60,
  write(text) {
    this.text += text;
  },
});

terminal('in a pipe, progress is a line for each stage and no bar', () => {
  const output = written(false);
  const progress = showProgress('cat', output);
  progress.stage('sending');
  progress.amount(1, 2);
  progress.amount(2, 2);
  progress.stage('inspecting');
  progress.stage('inspecting');
  progress.clear();
  assert.is(output.text, 'cat: sending\ncat: inspecting\n');
});

terminal('on a terminal, progress is one line that is redrawn and taken away, with a full bar at the end', () => {
  const output = written(true);
  const progress = showProgress('cat', output);
  progress.stage('sending');
  for (let done = 0; done <= 1000; done++) progress.amount(done, 1000);
  progress.clear();
  progress.clear();
  const drawn = output.text.split('\r\x1b[K');
  assert.is(drawn[1], 'cat: sending …');
  assert.ok(drawn.length < 100, 'not every step is drawn');
  assert.match(drawn.at(-2)!, /^cat: sending \[=+\] 1000 bytes of 1000 bytes$/);
  assert.is(drawn.at(-1), '');
});

terminal('a stage that does not fit its line is cut, because a wrapped line cannot be redrawn', () => {
  const output = written(true);
  showProgress('build', output).stage('x'.repeat(100));
  assert.is(output.text, `\r\x1b[Kbuild: ${'x'.repeat(52)}`);
});

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

terminal('text goes to a terminal, and what begins otherwise is refused with the flag that helps', async () => {
  assert.is(await text(forTerminal(chunks('a', 'ü\n'))), 'aü\n');
  const error = await text(forTerminal(chunks('\x89PNG\0', 'x'))).catch((thrown: unknown) => thrown);
  assert.instance(error, UsageError);
  assert.match((error as Error).message, '--output FILE');
});

terminal.run();

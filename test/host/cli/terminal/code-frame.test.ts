import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeFrame } from '../../../../host/cli/terminal/code-frame.ts';

const frame = suite('a frame of code');
let folder = '';
frame.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-frame-'));
  await writeFile(join(folder, 'f.ts'), 'one\ntwo\n\x1b[2Jthree\nfour\nfive\nsix');
});
frame.after(() => rm(folder, { recursive: true }));

for (const [what, text, shown] of [
  [
    'marks a column',
    'at g (f.ts:3:2)',
    'f.ts:3:2\n  1 │ one\n  2 │ two\n> 3 │ \\x1b[2Jthree\n    │  ^\n  4 │ four\n  5 │ five',
  ],
  ['marks a line', 'f.ts:1: wrong', 'f.ts:1\n> 1 │ one\n  2 │ two\n  3 │ \\x1b[2Jthree'],
  ['passes over what is not there', 'gone.ts:1:1 then f.ts:99:1', null],
  ['leaves other folders alone', '../../etc/hosts.a:1:1', null],
  ['leaves text with a frame alone', 'f.ts:1:1\n  1 │ one', null],
] as const)
  frame(what, () => assert.is(codeFrame(text, folder), shown));

frame.run();

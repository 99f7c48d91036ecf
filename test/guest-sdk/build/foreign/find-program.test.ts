import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findProgram, isProgram } from '../../../../guest-sdk/build/foreign/find-program.ts';
import { wat } from '../../../support/wat.ts';

const finding = suite('the program that a build leaves');
let folder = '';

finding.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-program-'));
});
finding.after.each(() => rm(folder, { recursive: true }));

const put = async (path: string, bytes: Uint8Array, seconds = 2000): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), bytes);
  await utimes(join(folder, path), seconds, seconds);
};
const PROGRAM = await wat('(module (memory (export "memory") 1) (func (export "_start")))');
const OTHER = await wat('(module (memory (export "memory") 2) (func (export "_start")))');
const OBJECT = await wat('(module (func) (@custom "linking" "x"))');
const COMPONENT = await wat('(component)');

finding('is the only one there is, objects, components and native programs aside', async () => {
  await put('src/tool', PROGRAM);
  await put('src/x.obj', OBJECT);
  await put('build/tool.wasm', COMPONENT);
  await put('src/native', Buffer.from('\x7fELF and more of it'));
  await put('CMakeFiles/probe', OTHER);
  assert.is(await findProgram(folder, 0), join(folder, 'src/tool'));
});

finding('is the one that was made now, and of its copies the one that lies highest', async () => {
  await put('old', OTHER, 1000);
  await put('obj/deep/tool', PROGRAM);
  await put('tool', PROGRAM);
  assert.is(await findProgram(folder, 1_500_000), join(folder, 'tool'));
});

for (const [what, files, message] of [
  ['none', {}, /left no WebAssembly program/],
  ['a choice', { a: PROGRAM, b: OTHER }, /left 2 programs: a, b; say which one with --output a/],
] as const) {
  finding(`is asked for where there is ${what}`, async () => {
    for (const [path, bytes] of Object.entries(files)) await put(path, bytes);
    const error = await findProgram(folder, 0).then(() => null, String);
    assert.match(error!, message);
  });
}

finding('is told by its bytes, however few or torn', async () => {
  await put('whole', PROGRAM);
  assert.is(await isProgram(join(folder, 'whole')), true);
  for (const length of [0, 4, 8, 9, 12]) {
    await put('torn', PROGRAM.subarray(0, length));
    assert.is(await isProgram(join(folder, 'torn')), false);
  }
  assert.is(await isProgram(join(folder, 'missing')), false);
  assert.is(await isProgram(folder), false);
});

finding('a pipe in its place is not waited for', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  assert.is(await isProgram(join(folder, 'pipe')), false);
});

finding.run();

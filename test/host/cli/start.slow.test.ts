// time limit: 600 s
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab, type Running, waitUntilReady } from './cli-lab.ts';

const PHOTO = fileURLToPath(new URL('../../../examples/photo/photo.jpg', import.meta.url));
/** Those that are built here; native programs are published, too, where somebody has built them. */
const EXAMPLES = ['counter', 'hello', 'photo', 'typed'];

const start = suite('cloudlet start');
let lab: CliLab;
let host: Running;

start.before(async () => {
  lab = await CliLab.open();
  host = lab.start(['start', '--port', '0', '--sandbox', 'process']);
  lab.environment['CLOUDLET_URL'] = await host.address();
});
start.after(() => lab.close());

start('publishes the examples, while it serves already', async () => {
  const answer = await fetch(`${lab.environment['CLOUDLET_URL']}/readyz`);
  assert.is(answer.status, 200);
  for (const name of EXAMPLES) await host.said(new RegExp(`published ${name}, version 1`));
});

start('a photograph comes back smaller, as a command and as a typed call', async () => {
  const command = ['invoke', 'photo', '--input', PHOTO, '--output', 'small.jpg', '--', 'thumbnail', '160'];
  const ran = await lab.run(command);
  assert.equal([ran.status, ran.errors], [0, '']);
  const small = await readFile(join(lab.folder, 'small.jpg'));
  assert.is(small.readUInt16BE(0), 0xffd8, 'a JPEG');
  assert.ok(small.length < (await readFile(PHOTO)).length / 4);
  const called = await lab.run(['invoke', 'photo', 'thumbnail', `@${PHOTO}`, '160', '--output', 'typed.jpg']);
  assert.equal([called.status, called.text, called.errors], [0, '', '']);
  assert.is(Buffer.compare(await readFile(join(lab.folder, 'typed.jpg')), small), 0);
  const wrong = await lab.run(['invoke', 'photo', 'thumbnail', '""', '160', '--output', 'never.jpg']);
  assert.is(wrong.status, 1);
  assert.match(wrong.text, /^\{"err":"/);
});

start('an http example answers', async () => {
  assert.is((await lab.run(['invoke', 'hello', '/?name=Ada'])).text, 'Hello, Ada!\n');
});

start('Ctrl-C ends it well', async () => {
  host.child.kill('SIGINT');
  const { status, errors } = await host.ended;
  assert.is(status, 0);
  assert.not.match(errors, /skipped/);
});

start('the second start is ready within two seconds, and builds and publishes nothing', async () => {
  const startedAt = performance.now();
  const again = lab.start(['start', '--port', '0', '--sandbox', 'process']);
  const url = await again.address();
  await waitUntilReady(url);
  const readyMs = performance.now() - startedAt;
  assert.is((await fetch(url)).status, 200, 'the page');
  lab.environment['CLOUDLET_URL'] = url;
  const { functions } = JSON.parse((await lab.run(['ls', '--json'])).text);
  again.child.kill('SIGTERM');
  const { status, errors } = await again.ended;
  assert.is(status, 0);
  assert.not.match(errors, /building|published|skipped/);
  assert.equal(
    functions
      .filter((each: { name: string }) => EXAMPLES.includes(each.name))
      .map((each: { name: string; version: number }) => [each.name, each.version]),
    EXAMPLES.map((name) => [name, 1]),
  );
  assert.ok(readyMs < 2000, `ready after ${Math.round(readyMs)} ms`);
});

start.run();

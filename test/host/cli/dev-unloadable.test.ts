// end to end
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab, type Running } from './cli-lab.ts';

const dev = suite('a version that builds and cannot serve');
let lab: CliLab;
let file = '';
let source = '';
let world = '';

dev.before(async () => {
  lab = await CliLab.open();
  assert.is((await lab.run(['new', 'numbers', '--template', 'c-typed'])).status, 0);
  file = join(lab.folder, 'numbers', 'src', 'function.c');
  world = join(lab.folder, 'numbers', 'wit', 'world.wit');
  source = await readFile(file, 'utf8');
});
dev.after(() => lab.close());

const TRAPS = `
#include <stdio.h>
__attribute__((noinline)) static void read_table(void) { fprintf(stderr, "reading the table\\n"); __builtin_trap(); }
__attribute__((constructor)) static void begin(void) { read_table(); }
`;
const IMPORTS = `
__attribute__((import_module("wasi:keyvalue/store@0.2.0-draft2"), import_name("[resource-drop]bucket"))) void drop_bucket(int);
__attribute__((constructor)) static void begin(void) { if (statistics_string("x").length > 1) drop_bucket(0); }
`;

/** How the function answers, asked as `dev` said to ask it. */
async function answer(running: Running, text: string): Promise<string> {
  assert.is(running.child.exitCode, null);
  const [, url, data] = /--to (\S+) --data (\S+)/.exec(text)!;
  const asked = await lab.run(['invoke', 'numbers', 'summarise', '[1, 3]', '--to', url!, '--data', data!]);
  return asked.text + asked.errors;
}

dev('leaves what served before, is told by its own names, and the next edit heals', async () => {
  const running = lab.start(['dev', 'numbers']);
  let text = '';
  running.child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  await running.said(/invoke it: .*\n/);
  assert.match(await answer(running, text), /"mean":2/);

  await writeFile(file, source + TRAPS);
  await running.said(/✘ version 2 cannot be loaded: .*unreachable \(in read_table < begin[\s\S]*goes on/);
  assert.match(text, /│ reading the table/);
  assert.match(await answer(running, text), /"mean":2/);

  const worldWas = await readFile(world, 'utf8');
  await writeFile(world, worldWas.replace(/world \w+ \{/, '$&\n  import wasi:keyvalue/store@0.2.0-draft2;'));
  await writeFile(file, source + IMPORTS);
  await running.said(/✘ the component imports wasi:keyvalue\/store@0\.2\.0-draft2, which needs a grant; add "stores"/);
  assert.match(await answer(running, text), /"mean":2/);

  await writeFile(world, worldWas);
  await writeFile(file, source.replace('.count = numbers.length', '.count = 1000'));
  await running.said(/function\.c.* changed: served after/);
  assert.match(await answer(running, text), /"count":1000/);
  running.child.kill('SIGINT');
  assert.is((await running.ended).status, 0);
});

dev.run();

// end to end
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DevelopEvent, develop } from '../../../../guest-sdk/build/index.ts';
import { TEST_CACHE } from '../../../support/microvm-lab.ts';

const test = suite('developing a project');
let top = '';
let folder = '';

test.before.each(async () => {
  top = await mkdtemp(join(tmpdir(), 'cloudlet-develop-'));
  folder = join(top, 'project');
  for (const name of [folder, join(top, 'shared')]) await mkdir(name);
});
test.after.each(() => rm(top, { recursive: true }));

/** Develops the project while `steps` go on; `ended` gives the next build that ended, with the bytes that it made or its error. */
async function developing(
  steps: (ended: () => Promise<string>, builds: () => number) => Promise<void>,
): Promise<readonly (readonly string[])[]> {
  const end = new AbortController();
  const changes: (readonly string[])[] = [];
  const results: string[] = [];
  let arrived = Promise.withResolvers<void>();
  let last = '';
  const tell = (text: string) => {
    results.push(text);
    arrived.resolve();
  };
  const onEvent = (event: DevelopEvent): void => {
    if (event.kind === 'building') changes.push(event.changed);
    else if (event.kind === 'served') tell(last);
    else if (event.kind === 'failed') tell(event.error.message);
  };
  const publish = async (build: { readonly component: string }) => {
    last = await readFile(build.component, 'latin1');
  };
  const going = develop(folder, { cache: TEST_CACHE, signal: end.signal, onEvent, publish });
  const ended = async (): Promise<string> => {
    while (results.length === 0) await arrived.promise;
    arrived = Promise.withResolvers();
    return results.shift()!;
  };
  try {
    await steps(ended, () => changes.length);
  } finally {
    end.abort();
    await going;
  }
  return changes;
}

test('builds again when a file changes that is imported from outside its folder, also one that was broken', async () => {
  const shared = join(top, 'shared', 'words.ts');
  await writeFile(shared, "export const words = 'one-word';\n");
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'x', entry: 'f.js' }));
  await writeFile(
    join(folder, 'f.js'),
    "import { words } from '../shared/words.ts';\nexport default { fetch: () => new Response(words) };\n",
  );
  const changes = await developing(async (ended) => {
    assert.match(await ended(), /one-word/);
    await writeFile(shared, 'export const words = ;\n');
    assert.match(await ended(), /cannot be bundled[\s\S]*words\.ts:1:/);
    await writeFile(shared, "export const words = 'another-word';\n");
    assert.match(await ended(), /another-word/);
  });
  assert.equal(changes, [[], ['../shared/words.ts'], ['../shared/words.ts']]);
});

test('of an existing program takes what its own build writes for no change', async () => {
  await writeFile(
    join(folder, 'cloudlet.json'),
    JSON.stringify({ name: 'x', build: { command: 'make', output: 'tool' } }),
  );
  await writeFile(
    join(folder, 'Makefile'),
    'tool: main.o\n\t$(CC) -o $@ main.o\n\tdate +%N >> made.log\n\tdate +%N > old.log\n',
  );
  await writeFile(join(folder, 'old.log'), 'of a build before\n');
  const source = (word: string) => `#include <stdio.h>\nint main(void) { puts("${word}"); return 0; }\n`;
  await writeFile(join(folder, 'main.c'), source('one-word'));
  const changes = await developing(async (ended, builds) => {
    assert.match(await ended(), /one-word/);
    await writeFile(join(folder, 'main.c'), source('another-word'));
    while (!/another-word/.test(await ended()));
    const before = builds();
    await writeFile(join(folder, 'main.c'), source('wrong"'));
    while (!/ended with status 2/.test(await ended()));
    await writeFile(join(folder, 'main.c'), source('third-word'));
    while (!/third-word/.test(await ended()));
    assert.ok(builds() - before <= 4, `${builds() - before} builds of two edits`);
  });
  assert.equal(changes[0], []);
  assert.ok(
    changes.flat().every((path) => ['main.c', 'old.log'].includes(path)),
    JSON.stringify(changes),
  );
  assert.ok(changes.filter((paths) => paths.includes('old.log')).length <= 2, JSON.stringify(changes));
});

test.run();

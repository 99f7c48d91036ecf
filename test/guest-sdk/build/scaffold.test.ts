// end to end
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isTemplateName, scaffold, TEMPLATES } from '../../../guest-sdk/build/index.ts';
import { runTool } from '../../../guest-sdk/build/tool.ts';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { tryTemplate } from '../../support/try-template.ts';

const FOLDER = fileURLToPath(new URL('../../../guest-sdk/templates/', import.meta.url));

const TSC = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url));

const scaffolding = suite('a template');
let parent = '';

scaffolding.before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'cloudlet-scaffold-'));
});
scaffolding.after(() => rm(parent, { recursive: true }));

scaffolding('has an entry in the list, and the list no other', async () => {
  assert.equal((await readdir(FOLDER)).filter((name) => name !== 'README.md').sort(), Object.keys(TEMPLATES).sort());
});

for (const template of Object.keys(TEMPLATES).filter((name) => !name.startsWith('rust-'))) {
  scaffolding(`${template} starts a project that builds and works`, () =>
    tryTemplate(template, join(parent, `of-${template}`)),
  );
}

scaffolding('in TypeScript has types that an editor finds, of the function and of its tests', async () => {
  for (const template of Object.keys(TEMPLATES).filter((name) => name.startsWith('typescript-'))) {
    const folder = join(parent, 'deep', template);
    await scaffold(template, folder, 'types');
    const source = join(folder, 'src', 'function.ts');
    if (template === 'typescript-hono')
      await writeFile(source, `import { cors } from 'hono/cors';\n${await readFile(source, 'utf8')}\nvoid cors;\n`);
    const name = join(folder, 'test', 'own.test.ts');
    await writeFile(
      name,
      `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, functionUnderTest } from 'cloudlet/client';
import type { HttpFunction } from 'cloudlet/guest';
test('it', async () => assert.equal((await functionUnderTest().request('/')).status, 200));
export const [client, fn]: [unknown, HttpFunction | null] = [createClient({ url: '' }), null];
`,
    );
    for (const part of [folder, join(folder, 'test')]) {
      const { status, stdout } = await runTool(process.execPath, [TSC, '--noEmit', '-p', part]);
      assert.is(status, 0, stdout);
    }
    await writeFile(name, "import { functionUnderTest } from 'cloudlet/client';\nfunctionUnderTest().reqest('/');\n");
    const wrong = await runTool(process.execPath, [TSC, '--noEmit', '-p', join(folder, 'test')]);
    assert.match(wrong.stdout, /own\.test\.ts.*reqest/);
  }
});

const failure = async (work: Promise<unknown>): Promise<CloudletError> =>
  work.then(
    () => assert.unreachable('expected a failure'),
    (error) => error,
  ) as Promise<CloudletError>;

scaffolding('does not write over anything', async () => {
  const folder = join(parent, 'full');
  await mkdir(folder);
  await writeFile(join(folder, 'mine.txt'), 'mine');
  const error = await failure(scaffold('c-typed', folder, 'x'));
  assert.is(error.code, 'conflict');
  assert.match(error.message, /full is not empty; name a new folder/);
  assert.equal(await readdir(folder), ['mine.txt']);
  assert.is((await failure(scaffold('c-typed', join(folder, 'mine.txt'), 'x'))).code, 'conflict');
});

scaffolding('is refused when it is unknown, and so is a bad name', async () => {
  const error = await failure(scaffold('cobol', join(parent, 'new'), 'x'));
  assert.is(error.code, 'request-invalid');
  assert.match(error.message, /no template "cobol"; expected one of typescript-http/);
  assert.is((await failure(scaffold('c-typed', join(parent, 'new'), 'Bad Name'))).code, 'request-invalid');
  assert.not.ok((await readdir(parent)).includes('new'));
  assert.equal([isTemplateName('c-typed'), isTemplateName('toString')], [true, false]);
});

scaffolding('that cannot be written whole leaves nothing in the way of another try', async () => {
  let deep = join(parent, 'long');
  while (deep.length < 4085 - 201) deep = join(deep, 'd'.repeat(200));
  deep = join(deep, 'd'.repeat(4085 - deep.length));
  const error = await scaffold('c-command', deep, 'long').then(
    () => assert.unreachable('a path longer than the system takes was written'),
    (thrown: NodeJS.ErrnoException) => thrown,
  );
  assert.is(error!.code, 'ENAMETOOLONG');
  assert.equal(await readdir(parent).then((names) => names.includes('long')), false);
});

scaffolding.run();

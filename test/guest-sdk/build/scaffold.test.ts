// end to end
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isTemplateName, scaffold, TEMPLATES } from '../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const FOLDER = fileURLToPath(new URL('../../../guest-sdk/templates/', import.meta.url));

/** What a function started from each template does. */
const TRIALS: Record<keyof typeof TEMPLATES, (fn: BuiltFunction) => Promise<void>> = {
  'typescript-http': async (fn) => {
    assert.is((await fn.http('/hello')).text, 'Hello from /hello\n');
    const { text } = await fn.http('/count', { method: 'POST', body: Buffer.from('zwölf') });
    assert.equal(JSON.parse(text), { path: '/count', characters: 5 });
  },
  'typescript-typed': async (fn) => {
    assert.equal(await fn.call('count-words', 'To be or not to be'), [
      ['be', 2],
      ['to', 2],
      ['not', 1],
      ['or', 1],
    ]);
    assert.equal(await fn.call('nth-word', 'to be', 2), { ok: 'be' });
    assert.equal(await fn.call('nth-word', 'to be', 3), { err: 'there are 2 words, not 3' });
  },
  'c-command': async (fn) => {
    const numbered = await fn.run(['--number'], Buffer.from('one\ntwo\n'));
    assert.equal([numbered.status, Buffer.from(numbered.stdout).toString()], [0, '1 one\n2 two\n']);
    const refused = await fn.run(['--what']);
    assert.equal([refused.status, refused.stderr], [2, 'expected no argument or --number\n']);
  },
  'c-typed': async (fn) => {
    assert.equal(await fn.call('summarise', [1, 2, 6]), { ok: { count: 3, mean: 3, largest: 6 } });
    assert.equal(await fn.call('summarise', []), { err: 'there are no numbers' });
  },
};

const scaffolding = suite('a template');
let parent = '';

scaffolding.before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'cloudlet-scaffold-'));
});
scaffolding.after(() => rm(parent, { recursive: true }));

scaffolding('has an entry in the list, and the list no other', async () => {
  assert.equal((await readdir(FOLDER)).filter((name) => name !== 'README.md').sort(), Object.keys(TEMPLATES).sort());
});

for (const [template, trial] of Object.entries(TRIALS)) {
  scaffolding(`${template} starts a project that builds and works`, async () => {
    const folder = join(parent, `of-${template}`);
    const files = await scaffold(template, folder, 'my-function');
    assert.ok(files.includes('cloudlet.json') && files.includes('README.md'));
    assert.not.match(files.join(), 'build');
    assert.not.match(await readFile(join(folder, 'README.md'), 'utf8'), template);
    const fn = await BuiltFunction.open(folder);
    try {
      assert.is(fn.build.project.name, 'my-function');
      await trial(fn);
    } finally {
      await fn.close();
    }
  });
}

scaffolding('in TypeScript tells an editor where the types are', async () => {
  const folder = join(parent, 'deep', 'types');
  await scaffold('typescript-http', folder, 'types');
  const settings = JSON.parse(await readFile(join(folder, 'tsconfig.json'), 'utf8'));
  const [path] = settings.compilerOptions.paths['cloudlet/guest'];
  assert.match(await readFile(join(folder, path), 'utf8'), 'HttpFunction');
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
  const error = await failure(scaffold('rust', join(parent, 'new'), 'x'));
  assert.is(error.code, 'request-invalid');
  assert.match(error.message, /no template "rust"; expected one of typescript-http/);
  assert.is((await failure(scaffold('c-typed', join(parent, 'new'), 'Bad Name'))).code, 'request-invalid');
  assert.not.ok((await readdir(parent)).includes('new'));
  assert.equal([isTemplateName('c-typed'), isTemplateName('toString')], [true, false]);
});

scaffolding.run();

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecipeFile } from '../../../guest-sdk/build/index.ts';
import { partsOfRecipe } from '../../../guest-sdk/protocol/index.ts';

const SERVICE = { run: 'httpd', port: 80 };

const file = suite<{ folder: string }>('the file of a recipe');

file.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-recipe-'));
});
file.after.each(({ folder }) => rm(folder, { recursive: true }));

async function written(folder: string, value: unknown): Promise<string> {
  const path = join(folder, 'recipe.json');
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

file('names files beside it: short texts come along, all else is parts', async ({ folder }) => {
  const large = Buffer.alloc(5 * 1024 * 1024, 7);
  await writeFile(join(folder, 'a.txt'), 'hello');
  await writeFile(join(folder, 'b.bin'), Buffer.of(0xff, 0xfe));
  await writeFile(join(folder, 'c.bin'), large);
  const from = (name: string) => ({ path: `/srv/${name}`, from: name });
  const path = await written(folder, {
    name: 'web',
    service: SERVICE,
    files: [{ ...from('a.txt'), mode: '0755' }, from('b.bin'), from('c.bin'), { path: '/srv/d', text: 'd' }],
  });
  const { name, recipe, parts } = await readRecipeFile(path);
  assert.is(name, 'web');
  assert.equal(
    recipe.files.map((each) => [each.path, each.mode, each.text ?? each.parts?.map(({ bytes }) => bytes)]),
    [
      ['/srv/a.txt', '0755', 'hello'],
      ['/srv/b.bin', '0644', [2]],
      ['/srv/c.bin', '0644', [4 * 1024 * 1024, 1024 * 1024]],
      ['/srv/d', '0644', 'd'],
    ],
  );
  const bytes = await Promise.all(recipe.files[2]!.parts!.map(({ digest }) => parts.get(digest)!.read()));
  assert.is(Buffer.compare(Buffer.concat(bytes), large), 0);
  assert.equal(
    partsOfRecipe(recipe).map(({ digest }) => digest),
    [...parts.keys()],
  );

  await writeFile(join(folder, 'b.bin'), Buffer.of(0xff, 0xff));
  const [changed] = recipe.files[1]!.parts!;
  await parts
    .get(changed!.digest)!
    .read()
    .then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /has changed since/),
    );
});

for (const [what, value, sentence] of [
  ['no JSON', '{', /which is no JSON/],
  ['a file that is not there', { service: SERVICE, files: [{ path: '/a', from: 'a' }] }, /which cannot be read/],
  ['a file above its folder', { service: SERVICE, files: [{ path: '/a', from: '../a' }] }, /below the folder/],
  [
    'both text and place',
    { service: SERVICE, files: [{ path: '/a', from: 'a', text: '' }] },
    /either "text" or "from"/,
  ],
  ['a wrong package', { service: SERVICE, packages: ['-a'] }, /packages\.0/],
] as const) {
  file(`with ${what} is refused`, async ({ folder }) => {
    const path = await written(folder, value);
    await readRecipeFile(path).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, sentence),
    );
  });
}

for (const name of ['ocr', 'speak', 'hear']) {
  file(`of the example "${name}" is one`, async () => {
    const path = fileURLToPath(new URL(`../../../examples/${name}/recipe.json`, import.meta.url));
    const found = await readRecipeFile(path);
    assert.is(found.name, name);
    assert.is(found.parts.size, 0);
  });
}

file.run();

import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REMEMBERED_MS, RememberedRecipes } from '../../../../runtime/provision/recipe/remembered.ts';

const [RECIPE, OTHER, KEY] = ['1', '2', 'a'].map((digit) => digit.repeat(64)) as [string, string, string];

const remembered = suite<{ folder: string; at: { ms: number } }>('what recipes came to');

remembered.before.each(async (context) => {
  context.folder = join(await mkdtemp(join(tmpdir(), 'cloudlet-remembered-')), 'recipes');
  context.at = { ms: Date.now() };
});
remembered.after.each(({ folder }) => rm(join(folder, '..'), { recursive: true }));

remembered('is known for a day, also after a restart', async ({ folder, at }) => {
  const now = () => at.ms;
  const recipes = new RememberedRecipes(folder, now);
  assert.is(await recipes.find(RECIPE), null);
  await recipes.remember(RECIPE, KEY);
  assert.is(await new RememberedRecipes(folder, now).find(RECIPE), KEY);
  assert.is(await recipes.find(OTHER), null);
  at.ms += REMEMBERED_MS - 1;
  assert.is(await recipes.find(RECIPE), KEY);
  at.ms += 1;
  assert.is(await recipes.find(RECIPE), null);
  at.ms -= 3 * REMEMBERED_MS;
  assert.is(await recipes.find(RECIPE), null, 'a clock that was set back says nothing');
});

remembered('a torn file says nothing, and what is out of date goes', async ({ folder }) => {
  const recipes = new RememberedRecipes(folder);
  await recipes.remember(RECIPE, KEY);
  for (const text of ['', '{', '{"key":"x","at":1}', '[]']) {
    await writeFile(join(folder, `${RECIPE}.json`), text);
    assert.is(await recipes.find(RECIPE), null);
  }
  await writeFile(join(folder, 'left.tmp'), '');
  await utimes(join(folder, 'left.tmp'), 1, 1);
  await recipes.remember(OTHER, KEY);
  assert.equal(await readdir(folder), [`${OTHER}.json`]);
});

remembered.run();

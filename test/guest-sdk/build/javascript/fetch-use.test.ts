import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { modulesThatFetch } from '../../../../guest-sdk/build/javascript/bundle.ts';
import { fetches } from '../../../../guest-sdk/build/javascript/javascript-world.ts';
import { readProject } from '../../../../guest-sdk/build/project.ts';

const use = suite('whether a program fetches');
let folder = '';

use.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-fetch-use-'));
  await mkdir(join(folder, 'node_modules', 'p'), { recursive: true });
  await writeFile(join(folder, 'node_modules', 'p', 'package.json'), '{ "name": "p", "main": "p.js" }');
  await writeFile(
    join(folder, 'node_modules', 'p', 'p.js'),
    'export const ask = (url) => fetch(url);\nexport const other = 1;\n',
  );
});
use.after(() => rm(folder, { recursive: true, force: true }));

async function projectOf(source: string, grant: object = {}) {
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'x', entry: 'f.ts', ...grant }));
  await writeFile(join(folder, 'f.ts'), source);
  return readProject(folder);
}

const SERVED = 'export default { fetch: () => work() };';

for (const [what, source, modules] of [
  ['an http function by itself', 'const work = () => 1;', []],
  ['a call', "const work = () => fetch('https://a.example');", ['f.ts']],
  ['a call by the global object', "const work = () => globalThis.fetch('https://a.example');", ['f.ts']],
  ['giving it away', 'const work = () => [fetch];', ['f.ts']],
  ['a function of its own of that name', 'const fetch = () => 1; const work = () => fetch();', []],
  ['a method of that name', 'const work = () => ({ fetch: () => 1 }).fetch();', []],
  ['asking for its type', 'const work = () => typeof fetch;', []],
  ['code that nothing leads to', "function dead() { return fetch('https://a.example'); }\nconst work = () => 1;", []],
  ['a package', "import { ask } from 'p';\nconst work = () => ask('https://a.example');", ['node_modules/p/p.js']],
  ['a package of which another part is used', "import { other } from 'p';\nconst work = () => other;", []],
  ['words', "const work = () => 'fetch(1)'; // fetch(2)", []],
  ['an error', 'const work = (', null],
] as const)
  use(
    `${what}: ${modules === null ? 'is left to the build' : modules.length === 0 ? 'no' : `in ${modules[0]}`}`,
    async () => {
      assert.equal(await modulesThatFetch(await projectOf(`${source}\n${SERVED}`)), modules);
    },
  );

for (const [grant, has, warns] of [
  [{}, true, /^f\.ts calls fetch, .* "http": \["api\.example\.org"\], or "http": \[\]/],
  [{ http: [] }, false, null],
  [{ http: ['a.example'] }, true, null],
] as const)
  use(`with ${JSON.stringify(grant)} a function that fetches has ${has ? 'a' : 'no'} fetch`, async () => {
    const warnings: string[] = [];
    const project = await projectOf(`const work = () => fetch('https://a.example');\n${SERVED}`, grant);
    const told = (event: { readonly kind: string; readonly text?: string }) => void warnings.push(event.text ?? '');
    assert.is(await fetches(project, { onProgress: told }), has);
    assert.equal(warnings.length, warns === null ? 0 : 1);
    if (warns !== null) assert.match(warnings[0]!, warns);
  });

use.run();

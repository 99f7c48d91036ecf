// end to end
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CliLab } from './cli-lab.ts';

const stores = suite<{ lab: CliLab }>('cloudlet store');

stores.before(async (world) => {
  world.lab = await CliLab.open();
  await world.lab.serve();
  await writeFile(join(world.lab.folder, 'Notes App-2.apk'), 'the application');
  await mkdir(join(world.lab.folder, 'site/js'), { recursive: true });
  await writeFile(join(world.lab.folder, 'site/index.html'), '<h1>site</h1>');
  await writeFile(join(world.lab.folder, 'site/js/a.js'), 'let a');
  await writeFile(join(world.lab.folder, 'icon.png'), Buffer.from('89504e470d0a1a0a0000', 'hex'));
  await writeFile(
    join(world.lab.folder, 'entry.json'),
    JSON.stringify({
      ...{ kind: 'application', name: 'paint', version: '3', title: 'Paint', icon: 'icon.png', web: 'site' },
      files: [{ path: 'Notes App-2.apk', name: 'paint.apk', os: 'android', osVersion: '12' }],
    }),
  );
});
stores.after(({ lab }) => lab.close());

stores('offers a file, lists it, shows it, fetches it, removes it', async ({ lab }) => {
  const added = await lab.run([
    'store',
    'add',
    'Notes App-2.apk',
    '--title',
    'Notes',
    '--os-version',
    '13',
    '--tag',
    'text',
    '--tag',
    'work',
  ]);
  assert.equal([added.status, added.errors.includes('sending')], [0, true], added.errors);
  assert.match(
    added.text,
    /^notes-app-2 {2}1 {2}revision 1\n {2}digest {5}sha256:[0-9a-f]{64}\n {2}address {4}http:\S+\/store\/notes-app-2\n$/,
  );
  const listed = await lab.run(['store', 'ls', 'notes', '--os', 'android', '--tag', 'work']);
  assert.match(listed.text, /notes-app-2 {2}application {2}1 {8}android 13 {2}15 bytes {2}- {10}Notes/);
  assert.is(
    (await lab.run(['store', 'ls', '--os', 'android', '--os-version', '9', '--tag', 'work', '--json'])).text.includes(
      '"total":0',
    ),
    true,
  );
  assert.match(
    (await lab.run(['store', 'show', 'notes-app-2'])).text,
    /Notes App-2\.apk {2}15 bytes {2}application\/vnd\.android\.package-archive {2}android 13/,
  );
  const got = await lab.run(['store', 'get', 'notes-app-2', '--unsigned', '--output', 'got']);
  assert.is(got.status, 0, got.errors);
  assert.is(await readFile(join(lab.folder, 'got/Notes App-2.apk'), 'utf8'), 'the application');
  assert.is((await lab.run(['store', 'rm', 'notes-app-2'])).text, 'removed notes-app-2\n');
  const gone = await lab.run(['store', 'show', 'notes-app-2']);
  assert.equal([gone.status, /see: npx cloudlet store ls/.test(gone.errors)], [1, true]);
});

stores('a publisher signs, the owner adds, a device takes it from that publisher only', async ({ lab }) => {
  const made = JSON.parse((await lab.run(['store', 'keys', 'new', 'key.jwk', '--json'])).text) as {
    fingerprint: string;
  };
  assert.is((await stat(join(lab.folder, 'key.jwk'))).mode & 0o777, 0o600);
  assert.match((await lab.run(['store', 'keys', 'new', 'key.jwk'])).errors, /there already/);
  const other = JSON.parse((await lab.run(['store', 'keys', 'new', 'other.jwk', '--json'])).text) as {
    fingerprint: string;
  };
  const signed = await lab.run(['store', 'add', 'entry.json', '--key', 'key.jwk', '--trust', made.fingerprint]);
  assert.match(
    signed.text,
    new RegExp(`paint {2}3 {2}revision 1[\\s\\S]*signed by {2}${made.fingerprint}`),
    signed.errors,
  );
  assert.match((await lab.run(['store', 'keys'])).text, new RegExp(`${made.fingerprint} {2}\\S+ {2}1`));
  const forged = await lab.run(['store', 'add', 'entry.json', '--key', 'other.jwk']);
  assert.equal(
    [forged.status, forged.errors.includes(made.fingerprint), forged.errors.includes(other.fingerprint)],
    [1, true, true],
  );
  assert.is((await lab.run(['store', 'get', 'paint', '--publisher', made.fingerprint, '--output', 'paint'])).status, 0);
  const refused = await lab.run(['store', 'get', 'paint', '--publisher', other.fingerprint, '--output', 'no']);
  assert.equal([refused.status, /signed by/.test(refused.errors)], [1, true]);
  const installed = JSON.parse((await lab.run(['store', 'install', 'paint', '--json'])).text) as { web: string };
  assert.is(installed.web, '/w/paint/');
  assert.is((await lab.run(['store', 'keys', 'rm', made.fingerprint])).status, 0);
  for (const [word, status, said] of [
    [`-${'b'.repeat(42)}`, 1, /b{42}/],
    ['--jsn', 2, /43 characters/],
  ] as const) {
    const { status: got, errors } = await lab.run(['store', 'keys', 'rm', word]);
    assert.is(got, status, errors);
    assert.match(errors, said, errors);
  }
});

stores('what was signed elsewhere is added with the files beside it, and with no others', async ({ lab }) => {
  await lab.run(['store', 'keys', 'new', 'elsewhere.jwk']);
  const folder = join(lab.folder, 'signed');
  await mkdir(folder);
  await writeFile(join(folder, 'tool.zip'), 'zip');
  await writeFile(
    join(folder, 'entry.json'),
    JSON.stringify({ kind: 'application', name: 'tool', version: '1', title: 'Tool', files: [{ path: 'tool.zip' }] }),
  );
  const sign = await lab.run([
    'store',
    'sign',
    'signed/entry.json',
    '--key',
    'elsewhere.jwk',
    '--output',
    'signed/tool.entry',
  ]);
  assert.match(sign.text, /^signed tool as \S{43} in signed\/tool\.entry/);
  await writeFile(join(folder, 'tool.zip'), 'evil');
  const swapped = await lab.run(['store', 'add', 'signed/tool.entry']);
  assert.equal([swapped.status, /signed digest/.test(swapped.errors)], [1, true]);
  await writeFile(join(folder, 'tool.zip'), 'zip');
  assert.is((await lab.run(['store', 'add', 'signed/tool.entry', '--json'])).status, 0);
});

for (const [what, words, status, sentence] of [
  ['a file that is not there', ['add', 'nothing.apk'], 1, /cannot be read/],
  ['a source with flags', ['add', 'entry.json', '--title', 'x'], 2, /"title"/],
  ['a service of one file', ['add', 'icon.png', '--kind', 'service'], 2, /an overlay .* or a recipe/],
  ['fetching without saying from whom', ['get', 'x'], 2, /--publisher/],
  ['a fingerprint that is none', ['keys', 'rm', 'x'], 2, /43 characters/],
  ['a name that is none', ['show', 'No!'], 2, /name/],
  ['page 0', ['ls', '--page', '0'], 2, /--page/],
  ['a folder without pages', ['add', 'got-nothing', '--web'], 1, /cannot be read/],
] as const) {
  stores(`says what is wrong with ${what}`, async ({ lab }) => {
    const ended = await lab.run(['store', ...words]);
    assert.equal([ended.status, sentence.test(ended.errors)], [status, true], ended.errors);
  });
}

stores('offers a recipe with the files that it names, as a service', async ({ lab }) => {
  await mkdir(join(lab.folder, 'reader'));
  await writeFile(join(lab.folder, 'reader/model'), Buffer.alloc(5 * 1024 * 1024, 'model'));
  const recipe = { files: [{ path: '/model', from: 'model' }], service: { run: 'serve', port: 80 } };
  await writeFile(join(lab.folder, 'reader/recipe.json'), JSON.stringify(recipe));
  const added = await lab.run(['store', 'add', 'reader/recipe.json', '--title', 'Reader']);
  assert.is(added.status, 0, added.errors);
  const { manifest } = JSON.parse((await lab.run(['store', 'show', 'reader', '--json'])).text);
  assert.equal([manifest.kind, manifest.service, manifest.from], ['service', 'reader', { recipe: 'recipe.json' }]);
  assert.equal(manifest.files.map(({ bytes }: { bytes: number }) => bytes).slice(1), [4 * 1024 * 1024, 1024 * 1024]);
});

for (const [what, words, sentence] of [
  ['a folder', ['reader'], /got the folder reader; offer its recipe\.json/],
  ['a kind that is none', ['Notes App-2.apk', '--kind', 'game'], /expected --kind function, service or application/],
] as const)
  stores(`refuses ${what} as used wrongly`, async ({ lab }) => {
    const { status, errors } = await lab.run(['store', 'add', ...words]);
    assert.is(status, 2, errors);
    assert.match(errors, sentence);
  });

stores.run();

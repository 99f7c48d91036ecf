// end to end
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FunctionInfo, Published, VersionDiff } from '../../../guest-sdk/protocol/index.ts';
import { guest } from '../../support/guest.ts';
import { CliLab } from './cli-lab.ts';

const signed = suite('functions that are signed, and what differs from them');
let lab: CliLab;
let mine: string;
let other: string;

signed.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
  await mkdir(join(lab.folder, 'reader', 'assets'), { recursive: true });
  await copyFile(await guest('cat'), join(lab.folder, 'reader', 'cat.wasm'));
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'one\n');
  const project = { name: 'reader', component: 'cat.wasm', files: [{ path: '/data', from: 'assets' }] };
  await writeFile(join(lab.folder, 'reader', 'cloudlet.json'), JSON.stringify(project));
  const made = async (file: string): Promise<string> =>
    (JSON.parse((await lab.run(['store', 'keys', 'new', file, '--json'])).text) as { fingerprint: string }).fingerprint;
  mine = await made('mine.jwk');
  other = await made('other.jwk');
});
signed.after(() => lab.close());

const run = async <T>(...words: string[]): Promise<T> => {
  const { status, text, errors } = await lab.run([...words, '--json']);
  assert.is(status, 0, errors);
  return JSON.parse(text) as T;
};
const refusals = (errors: string) => errors.split('to be signed by the key').length - 1;
const publisherOf = async (name: string) => (await run<FunctionInfo>('inspect', name)).publisher?.fingerprint;

for (const verb of ['deploy', 'publish'])
  signed(`${verb} gives what is here unsigned its signature, and changes no version`, async () => {
    await run(verb, 'reader', '--name', verb);
    assert.is(await publisherOf(verb), undefined);
    await run(verb, 'reader', '--name', verb, '--key', 'mine.jwk');
    assert.is(await publisherOf(verb), mine);
    assert.is((await run<FunctionInfo>('inspect', verb)).version, 1);
    const again = await run<{ sentBytes: number }>(verb, 'reader', '--name', verb, '--key', 'mine.jwk');
    assert.ok(again.sentBytes < 2000, `${again.sentBytes} bytes for what is there and signed`);
    const stranger = await lab.run([verb, 'reader', '--name', verb, '--key', 'other.jwk']);
    // The bytes are those that the name's key signed, and still nobody else's.
    assert.is(stranger.status, 1);
    assert.is(refusals(stranger.errors), 1, stranger.errors);
    for (const each of [mine, other]) assert.ok(stranger.errors.includes(each), stranger.errors);
    assert.is(await publisherOf(verb), mine);
    await writeFile(join(lab.folder, 'reader', 'assets', 'b.txt'), `${verb}\n`);
    const changed = await lab.run([verb, 'reader', '--name', verb, '--key', 'other.jwk']);
    assert.is(changed.status, 1);
    assert.is(refusals(changed.errors), 1, changed.errors);
    for (const each of [mine, other]) assert.ok(changed.errors.includes(each), changed.errors);
  });

signed('deploy refuses a key for what cannot be signed with it', async () => {
  const { status, errors } = await lab.run(['deploy', 'http://localhost/a.wasm', '--key', 'mine.jwk']);
  assert.is(status, 2);
  assert.match(errors, /--key and --trust with what is here/);
  const named = await lab.run(['deploy', 'reader', '--name', 'named', '--trust', 'abc']);
  assert.equal([named.status, /--trust with the 43 characters of a fingerprint/.test(named.errors)], [2, true]);
});

signed(
  'a packed project keeps its name, whatever its file is called; a component needs one that its file can give',
  async () => {
    await run('pack', 'reader', '--output', 'ö.tar');
    assert.is((await run<FunctionInfo>('inspect', 'ö.tar')).name, 'reader');
    assert.is((await run<Published>('publish', 'ö.tar')).name, 'reader');
    await copyFile(await guest('cat'), join(lab.folder, 'ö.wasm'));
    const nameless = await lab.run(['publish', 'ö.wasm']);
    assert.is(nameless.status, 2);
    assert.match(nameless.errors, /expected a name .* --name/);
    assert.is((await run<Published>('deploy', 'ö.wasm', '--name', 'named')).name, 'named');
  },
);

signed('diff compares grant and files of a project and of a package with what runs', async () => {
  await run('publish', 'reader', '--name', 'compared');
  await run('pack', 'reader', '--output', 'same.tar');
  for (const what of ['./reader', 'same.tar']) {
    const same = await run<VersionDiff>('diff', 'compared', what);
    assert.is(same.digest.after, same.digest.before, what);
    assert.equal([same.grant, same.files], [NOTHING, NOTHING], what);
  }
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'others\n');
  const { grant, files, to } = await run<VersionDiff>('diff', 'compared', './reader');
  assert.equal([to, grant, files.added, files.removed], [null, NOTHING, [], []]);
  assert.match(files.changed[0]!.name, /a\.txt$/);
  const bare = await run<VersionDiff>('diff', 'compared', 'reader/cat.wasm');
  assert.equal([bare.files.removed.length > 0, bare.exports], [true, NOTHING]);
  await writeFile(join(lab.folder, 'torn.tar'), (await readFile(join(lab.folder, 'same.tar'))).subarray(0, 3000));
  for (const [words, code, sentence] of [
    [['./nowhere'], 2, /cannot be read \(ENOENT\)/],
    [['torn.tar'], 1, /its end is missing/],
    [['1', '--grant', 'reader/cloudlet.json'], 2, /--grant with a component/],
  ] as const) {
    const { status, errors } = await lab.run(['diff', 'compared', ...words]);
    assert.equal([status, sentence.test(errors)], [code, true], errors);
  }
});

const NOTHING = { added: [], removed: [], changed: [] };

signed.run();

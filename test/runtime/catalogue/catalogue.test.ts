import { appendFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  canonicalBytes,
  type EntryManifest,
  fingerprintOf,
  joinPieces,
  newPublisherKey,
  type PublisherKey,
  signDetached,
  tarPieces,
} from '../../../guest-sdk/protocol/index.ts';
import { STAGED_MS } from '../../../runtime/catalogue/staged-files.ts';
import { application, type CatalogueLab, digestOf, openCatalogueLab, utf8 } from '../../support/catalogue-lab.ts';
import { refused } from '../../support/refusal.ts';
import { zip } from '../../support/zip.ts';

const catalogues = suite<{ lab: CatalogueLab }>('a catalogue');

catalogues.before.each(async (world) => {
  world.lab = await openCatalogueLab();
});
catalogues.after.each(({ lab }) => lab.close());

const APK = utf8('an application for phones');
const NOTES = application('notes', [['notes.apk', APK, { os: 'android', osVersion: '13' }]], {
  tags: ['text', 'work'],
});
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(20)]);
const fingerprint = (key: JsonWebKey) => {
  const { d: _, ...rest } = key;
  return fingerprintOf(rest as PublisherKey);
};
const names = (lab: CatalogueLab, wish: Parameters<CatalogueLab['catalogue']['list']>[0]) =>
  lab.catalogue.list(wish).entries.map(({ name }) => name);
async function bytesOf(read: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of read) parts.push(part);
  return Buffer.concat(parts).toString();
}

catalogues('names the files that are missing, and takes the entry once they are here', async ({ lab }) => {
  const digest = digestOf(APK);
  assert.equal((await lab.put(NOTES)).missing, [digest]);
  assert.is(lab.catalogue.list().total, 0);
  const put = await lab.put(NOTES, [APK]);
  assert.equal([put.revision, put.created, put.missing], [1, true, []]);
  assert.equal((await lab.put(NOTES)).created, false);
  const { bytes, mediaType, name, read } = await lab.catalogue.file('notes', digest);
  assert.equal([bytes, mediaType, name], [APK.length, 'application/octet-stream', 'notes.apk']);
  assert.is(await bytesOf(read({ start: 3, end: 14 })), 'application');
  assert.equal(lab.catalogue.entry('notes').manifest as object, NOTES);
});

catalogues('an update replaces the entry in one step; three revisions and their files are kept', async ({ lab }) => {
  for (let i = 1; i <= 4; i += 1) {
    const file = utf8(`version ${i}`);
    await lab.put(application('notes', [['notes.apk', file]], { version: String(i) }), [file]);
  }
  const info = lab.catalogue.entry('notes');
  assert.equal(
    [info.revision, info.manifest.version, info.revisions.map(({ version }) => version)],
    [4, '4', ['4', '3', '2']],
  );
  assert.is(lab.catalogue.entry('notes', 2).manifest.version, '2');
  await refused(() => lab.catalogue.file('notes', digestOf('version 1')), 'not-found', /file of "notes"/);
  await lab.catalogue.file('notes', digestOf('version 2'));
  assert.equal((await lab.data.blobs.list()).length, 3);
});

catalogues('removing an entry removes its files, but not those that another has', async ({ lab }) => {
  await lab.put(application('one', [['a', APK]]), [APK]);
  await lab.put(application('two', [['b', APK]]));
  lab.catalogue.remove('one');
  assert.equal(await lab.data.blobs.list(), [digestOf(APK)]);
  lab.catalogue.remove('two');
  assert.equal(await lab.data.blobs.list(), []);
  await refused(() => lab.catalogue.remove('two'), 'store-unknown', /"two"/);
  await refused(() => lab.catalogue.entry('two'), 'store-unknown', /"two"/);
  assert.is((await lab.put(application('two', [['b', APK]]), [APK])).revision, 1);
});

catalogues('is searched by words, kind, tags and system', async ({ lab }) => {
  await lab.put(NOTES, [APK]);
  await lab.put(
    application('paint', [['paint.ipa', APK, { os: 'ios' }]], {
      title: 'Malen & Zeichnen',
      description: 'Übung macht den Meister',
      tags: ['work'],
    }),
  );
  await lab.put(
    application('pages', [
      ['anywhere.zip', APK],
      ['pages.apk', APK, { os: 'android', osVersion: '99' }],
    ]),
  );
  await lab.put({ format: 1, kind: 'function', name: 'edges', version: '1', title: 'Edges', function: 'edges' });
  for (const [wish, found] of [
    [{}, ['edges', 'notes', 'pages', 'paint']],
    [{ q: 'zeich' }, ['paint']],
    [{ q: 'ubung MEIST' }, ['paint']],
    [{ q: 'malen nothing' }, []],
    [{ q: '"* OR NEAR(' }, []],
    [{ q: "note' OR 1=1 --" }, []],
    [{ q: '%' }, []],
    [{ kind: 'function' }, ['edges']],
    [{ tags: ['work'] }, ['notes', 'paint']],
    [{ tags: ['work', 'text'] }, ['notes']],
    [{ os: 'android' }, ['edges', 'notes', 'pages']],
    [{ os: 'android', osVersion: '9' }, ['edges', 'pages']],
    [{ os: 'android', osVersion: '13.1' }, ['edges', 'notes', 'pages']],
    [{ os: 'ios', q: 'the' }, ['pages']],
    [{ page: 2 }, []],
  ] as const) {
    assert.equal(names(lab, wish), found, JSON.stringify(wish));
  }
});

catalogues('is listed in pages of 50', async ({ lab }) => {
  for (let i = 10; i < 62; i += 1) await lab.put(application(`app-${i}`));
  const pages = [1, 2, 3].map((page) => lab.catalogue.list({ page, q: 'app' }));
  assert.equal(
    pages.map(({ total, page, pages: all, entries }) => [total, page, all, entries.length]),
    [
      [52, 1, 2, 50],
      [52, 2, 2, 2],
      [52, 3, 2, 0],
    ],
  );
  assert.equal(
    pages[1]!.entries.map(({ name }) => name),
    ['app-60', 'app-61'],
  );
});

catalogues('keeps a name for the key that signed first', async ({ lab }) => {
  const [key, other] = [await newPublisherKey(), await newPublisherKey()];
  await lab.put(NOTES, [APK], key);
  assert.equal(lab.catalogue.entry('notes').publisher, { fingerprint: fingerprint(key), trusted: true });
  const update = { ...NOTES, version: '2' };
  const both = new RegExp(`${fingerprint(key)}.*${fingerprint(other)}`);
  await refused(() => lab.put(update, [], other), 'signature-invalid', both);
  await refused(() => lab.put(update), 'signature-invalid', /no signature/);
  assert.is((await lab.put(update, [], key)).revision, 2);
  // The owner may give the name to another, on purpose.
  lab.catalogue.remove('notes');
  assert.is((await lab.put(update, [APK], other)).revision, 1);
});

catalogues('refuses a signature of anything but exactly this entry', async ({ lab }) => {
  const key = await newPublisherKey();
  await lab.send(APK);
  const signature = await signDetached(utf8('something else'), key, 'entry');
  await refused(
    () => lab.catalogue.put('notes', { manifest: NOTES, signature }),
    'signature-invalid',
    /exactly this entry/,
  );
  await refused(() => lab.catalogue.put('other', { manifest: NOTES }), 'request-invalid', /manifest of "other"/);
  assert.is(lab.catalogue.list().total, 0);
});

catalogues('asks once for a new key where the policy says so, and remembers the answer', async ({ lab }) => {
  const strict = lab.again({ publishers: 'accepted' });
  const key = await newPublisherKey();
  await lab.send(APK);
  const put = async (manifest: { name?: string }, trust?: string) => {
    const signature = await signDetached(canonicalBytes(manifest), key, 'entry');
    return strict.put(manifest.name!, { manifest, signature, ...(trust === undefined ? {} : { trust }) });
  };
  await refused(() => strict.put('notes', { manifest: NOTES }), 'signature-invalid', /got no signature/);
  await refused(() => put(NOTES), 'signature-invalid', new RegExp(`--trust ${fingerprint(key)}`));
  await refused(() => put(NOTES, 'A'.repeat(43)), 'signature-invalid', /accepted key A/);
  assert.is((await put(NOTES, fingerprint(key))).revision, 1);
  assert.is((await put(application('more'))).revision, 1);
  assert.equal(
    strict.publishers().publishers.map(({ entries }) => entries),
    [2],
  );
  strict.forgetPublisher(fingerprint(key));
  await refused(() => strict.forgetPublisher(fingerprint(key)), 'not-found', /accepted key/);
  assert.is(strict.entry('notes').publisher?.trusted, false);
  await refused(() => strict.install('notes', {}), 'signature-invalid', /policy/);
  const listed = lab.again({ publishers: [fingerprint(key)] });
  assert.is((await listed.install('notes', {})).revision, 1);
  await refused(() => listed.put('x', { manifest: application('x') }), 'signature-invalid', /no signature/);
});

catalogues(
  'refuses bytes that are not those of the digest, and more or fewer than the manifest says',
  async ({ lab }) => {
    const send = (bytes: Uint8Array, length: number) =>
      lab.catalogue.receive([bytes] as unknown as AsyncIterable<Uint8Array>, length, digestOf(APK));
    await refused(() => send(utf8('swapped'), 7), 'body-truncated', /digest/);
    await refused(() => send(APK, APK.length - 1), 'body-too-large', /at most/);
    await refused(() => send(APK, APK.length + 1), 'body-truncated', /bytes/);
    assert.equal(await lab.data.blobs.list(), []);
    await lab.send(APK);
    const wrong = application('notes', [['notes.apk', APK, { bytes: 5 }]]);
    await refused(() => lab.put(wrong), 'request-invalid', /says 25 bytes/);
  },
);

catalogues(
  'finds a blob that was changed on the disk before it is sent, also when it was sent before',
  async ({ lab }) => {
    await lab.put(NOTES, [APK]);
    await lab.catalogue.file('notes', digestOf(APK));
    await appendFile(lab.data.blobs.path(digestOf(APK)), 'x');
    await refused(() => lab.catalogue.file('notes', digestOf(APK)), 'storage-corrupt', /digest/);
  },
);

catalogues('has a quota for all files together, also for those that wait and those that are unpacked', async () => {
  const lab = await openCatalogueLab({ bytes: 1000 });
  try {
    const [big, small] = [new Uint8Array(700), new Uint8Array(400)];
    await refused(() => lab.put(application('huge', [['a', new Uint8Array(1001)]])), 'storage-full', /1000 bytes/);
    await lab.send(big);
    await refused(() => lab.send(small), 'storage-full', /300 bytes/);
    await lab.put(application('big', [['a', big]]));
    await refused(() => lab.send(small), 'storage-full', /300 bytes/);
    lab.catalogue.remove('big');
    const archive = zipOf(900);
    await refused(
      () => lab.put(application('web', [['w.zip', archive]], { web: 'w.zip' }), [archive]),
      'storage-full',
      /left/,
    );
    assert.is(lab.catalogue.list().total, 0);
    assert.equal(await lab.data.blobs.list(), [digestOf(archive)]);
  } finally {
    await lab.close();
  }
});

catalogues('gives up files whose entry does not come', async () => {
  let now = 0;
  const lab = await openCatalogueLab({}, { now: () => now });
  try {
    await lab.send(APK);
    now = STAGED_MS - 1;
    await lab.send(utf8('another'));
    assert.is((await lab.data.blobs.list()).length, 2);
    now = STAGED_MS;
    await lab.send(utf8('a third'));
    assert.equal((await lab.data.blobs.list()).sort(), [digestOf('another'), digestOf('a third')].sort());
    await lab.catalogue.close();
    assert.equal(await lab.data.blobs.list(), []);
  } finally {
    await lab.close();
  }
});

for (const [what, bytes, fits] of [
  ['a picture', PNG, true],
  ['a document', utf8('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), false],
  ['nothing', utf8(''), false],
] as const) {
  catalogues(`${fits ? 'takes' : 'refuses'} an icon that calls itself PNG and is ${what}`, async ({ lab }) => {
    const icon = { digest: digestOf(bytes), bytes: bytes.length, mediaType: 'image/png' };
    const put = () => lab.put(application('app', [], { icon }), [bytes]);
    if (!fits) return await refused(put, 'request-invalid', /icon/);
    assert.is((await put()).revision, 1);
    assert.equal((await lab.catalogue.file('app', icon.digest as ReturnType<typeof digestOf>)).name, 'app.png');
  });
}

catalogues('serves the pages of a web application, and only those of its current revision', async ({ lab }) => {
  const site = (text: string) =>
    joinPieces(
      tarPieces([
        ['index.html', utf8(text)],
        ['js/a.js', utf8('1')],
      ]),
    );
  const put = (text: string) =>
    lab.put(application('site', [['site.tar', site(text)]], { web: 'site.tar' }), [site(text)]);
  await put('old');
  await put('new');
  for (const [path, type, text] of [
    ['', 'text/html; charset=utf-8', 'new'],
    ['index.html', 'text/html; charset=utf-8', 'new'],
    ['js/a.js', 'text/javascript; charset=utf-8', '1'],
  ] as const) {
    const page = await lab.catalogue.page('site', path);
    assert.equal([page.mediaType, await bytesOf(page.read({ start: 0, end: page.bytes }))], [type, text], path);
  }
  for (const path of ['js', 'js/', '../index.html', 'none'])
    await refused(() => lab.catalogue.page('site', path), 'not-found', /page/);
  await refused(() => lab.catalogue.page('nobody', ''), 'not-found', /page/);
  lab.catalogue.remove('site');
  assert.equal(await lab.data.blobs.list(), []);
});

catalogues('installing gives the files for the device and provisions the server', async ({ lab }) => {
  const ios = utf8('for others');
  const app = application(
    'notes',
    [
      ['notes.apk', APK, { os: 'android', osVersion: '13' }],
      ['notes.ipa', ios, { os: 'ios' }],
    ],
    { server: 'notes-server' },
  );
  const server: Partial<EntryManifest> = {
    format: 1,
    kind: 'function',
    name: 'notes-server',
    version: '1',
    title: 'Server',
    function: 'notes',
  };
  await lab.put(app, [APK, ios]);
  await refused(() => lab.catalogue.install('notes', {}), 'store-unknown', /notes-server/);
  await lab.put(server);
  for (const [device, files] of [
    [{ os: 'android', osVersion: '14' }, ['notes.apk']],
    [{ os: 'android', osVersion: '9' }, []],
    [{ os: 'ios' }, ['notes.ipa']],
    [{}, ['notes.apk', 'notes.ipa']],
  ] as const) {
    const installed = await lab.catalogue.install('notes', device);
    assert.equal(
      installed.files.map(({ name }) => name),
      files,
    );
    assert.equal(installed.server, { kind: 'function', name: 'notes-server', address: '/f/notes-server/' });
  }
  assert.equal(lab.provisioned, ['notes-server', ...Array(3).fill('notes-server again')]);
  await lab.put({ ...server, version: '2' });
  await lab.catalogue.install('notes-server', {});
  assert.is(lab.provisioned.at(-1), 'notes-server');
  await lab.put(application('loop', [], { server: 'notes' }));
  await refused(() => lab.catalogue.install('loop', {}), 'request-invalid', /function or a service/);
});

catalogues('is as it was after it is opened again', async ({ lab }) => {
  await lab.put(NOTES, [APK]);
  await lab.send(utf8('staged'));
  await lab.data.collectGarbage();
  const again = lab.again({});
  assert.equal(again.list(), lab.catalogue.list());
  await again.file('notes', digestOf(APK));
});

function zipOf(bytes: number): Uint8Array {
  return zip([{ name: 'index.html', bytes: new Uint8Array(bytes) }]);
}

catalogues.run();

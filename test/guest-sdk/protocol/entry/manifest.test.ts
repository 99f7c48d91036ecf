import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blobsOf, manifestDigest, parseEntryManifest, runsOn } from '../../../../guest-sdk/protocol/index.ts';
import { application, digestOf, utf8 } from '../../../support/catalogue-lab.ts';
import { refused } from '../../../support/refusal.ts';

const manifests = suite('the manifest of a store entry');

const FILE = utf8('apk');
const APP = application('notes', [['notes.apk', FILE, { os: 'android', osVersion: '13' }]], {
  ...{ description: 'Takes\nnotes.', tags: ['text'], homepage: 'https://notes.example/', server: 'notes-server' },
});

manifests(
  'is taken as it is, and its digest is pinned: another one would be another name for every signed entry',
  () => {
    const parsed = parseEntryManifest(APP);
    assert.equal(parsed as object, APP);
    assert.is(manifestDigest(parsed), manifestDigest(parseEntryManifest(JSON.parse(JSON.stringify(APP)))));
    assert.is(manifestDigest(parsed), DIGEST);
    assert.equal([...blobsOf(parsed)], [[digestOf(FILE), 3]]);
  },
);
const DIGEST = 'sha256:6f703a52f21b1371c60e11b08089fe6924c38e14054038db884949c5214e348d';

const file = (more: object) => application('notes', [['a', FILE, more]]);
for (const [what, manifest, sentence] of [
  ['an unknown key', { ...APP, price: 1 }, /price is not a known key/],
  ['another format', { ...APP, format: 2 }, /format/],
  ['another kind', { ...APP, kind: 'game' }, /kind/],
  ['a list', [APP], /object/],
  ['a name with a path', { ...APP, name: '../x' }, /name/],
  ['a title of nothing', { ...APP, title: '' }, /title/],
  ['a title with a line break', { ...APP, title: 'a\nb' }, /title/],
  ['a title that turns what follows', { ...APP, title: 'a\u202egpj.exe' }, /title/],
  ['a description with an escape', { ...APP, description: '\x1b[2J' }, /description/],
  ['a homepage that runs', { ...APP, homepage: 'javascript:alert(1)' }, /homepage/],
  ['a homepage with a password', { ...APP, homepage: 'https://a:b@c.example/' }, /homepage/],
  ['a tag with a space', { ...APP, tags: ['a b'] }, /tags/],
  ['a tag twice', { ...APP, tags: ['a', 'a'] }, /tags/],
  [
    'a picture that is a document',
    { ...APP, icon: { digest: digestOf(''), bytes: 1, mediaType: 'image/svg+xml' } },
    /icon/,
  ],
  ['a large icon', { ...APP, icon: { digest: digestOf(''), bytes: 2 ** 21, mediaType: 'image/png' } }, /icon/],
  ['a file in a folder', file({ name: 'a/b' }), /files/],
  ['a file that leaves', file({ name: '..' }), /files/],
  ['a media type with a header in it', file({ mediaType: 'text/html\r\nset-cookie: a=b' }), /files/],
  ['a digest in capitals', file({ digest: `sha256:${'A'.repeat(64)}` }), /files/],
  ['a negative size', file({ bytes: -1 }), /files/],
  ['a version without its system', file({ osVersion: '1' }), /"os" beside/],
  ['a version of words', file({ os: 'android', osVersion: 'Tiramisu' }), /files/],
  [
    'a file twice',
    application('notes', [
      ['a', FILE],
      ['a', FILE],
    ]),
    /once/,
  ],
  ['pages that are not among the files', { ...APP, web: 'site.tar' }, /site\.tar/],
  [
    'a package that is not among the files',
    { ...application('f'), kind: 'function', function: 'f', package: 'f.tar' },
    /f\.tar/,
  ],
  ['a service without a way', { ...application('s'), kind: 'service', service: 's', from: {} }, /from/],
  [
    'a service with two ways',
    { ...application('s'), kind: 'service', service: 's', from: { overlay: 'a', recipe: 'b' } },
    /from/,
  ],
  ['a server of a server', { ...application('f'), kind: 'function', function: 'f', server: 'x' }, /server/],
  [
    'too much',
    {
      ...APP,
      files: Array.from({ length: 65 }, (_, i) => ({
        name: `f${i}`,
        digest: digestOf(''),
        bytes: 0,
        mediaType: 'a/b',
      })),
    },
    /files/,
  ],
] as const) {
  manifests(`is refused with ${what}`, () => refused(() => parseEntryManifest(manifest), 'request-invalid', sentence));
}

for (const [wanted, device, fits] of [
  [{}, { os: 'ios' }, true],
  [{ os: 'android' }, {}, true],
  [{ os: 'android' }, { os: 'ios' }, false],
  [{ os: 'android', osVersion: '13' }, { os: 'android' }, true],
  [{ os: 'android', osVersion: '13' }, { os: 'android', osVersion: '9' }, false],
  [{ os: 'android', osVersion: '13' }, { os: 'android', osVersion: '13.0' }, true],
  [{ os: 'android', osVersion: '13.0.1' }, { os: 'android', osVersion: '13' }, false],
  [{ os: 'android', osVersion: '9.9' }, { os: 'android', osVersion: '10' }, true],
] as const) {
  manifests(`${JSON.stringify(wanted)} ${fits ? 'runs' : 'does not run'} on ${JSON.stringify(device)}`, () =>
    assert.is(runsOn(wanted, device), fits),
  );
}

manifests.run();

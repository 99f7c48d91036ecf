import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareVersions, type DescribedVersion, emptyGrant } from '../../../guest-sdk/protocol/index.ts';

const diff = suite('what differs between two versions');
const fn = (name: string, signature: string) => ({ name, signature, interface: null, params: [], result: null });
const VERSION: DescribedVersion = {
  ...{
    digest: `sha256:${'1'.repeat(64)}`,
    sizeBytes: 100,
    doors: ['call', 'run'],
    imports: ['wasi:cli/environment@0.2.0'],
  },
  exports: [fn('add', 'add: func(a: u32) -> u32'), fn('old', 'old: func()')],
  grant: emptyGrant(),
  files: [{ path: 'data/a', bytes: 3, digest: 'sha256:a' }],
};
const compare = (after: Partial<DescribedVersion>) =>
  compareVersions({ name: 'photo', from: 1, to: 2 }, VERSION, { ...VERSION, ...after });

diff('nothing of the same', () => {
  const same = compare({});
  for (const what of ['doors', 'exports', 'imports', 'grant', 'files'] as const)
    assert.equal(same[what], { added: [], removed: [], changed: [] });
  assert.equal([same.breaks, same.digest.after, same.sizeBytes], [[], VERSION.digest, { before: 100, after: 100 }]);
});

for (const [what, after, breaks] of [
  ['one more export', { exports: [...VERSION.exports, fn('more', 'more: func()')] }, []],
  ['an export less', { exports: VERSION.exports.slice(0, 1) }, ['old: func() is gone']],
  [
    'an export of another type',
    { exports: [fn('add', 'add: func(a: u64) -> u64'), VERSION.exports[1]!] },
    ['add was add: func(a: u32) -> u32, is add: func(a: u64) -> u64'],
  ],
  ['a door less', { doors: ['call'] }, ['it no longer offers "run"']],
  [
    'other imports, files and grant',
    { imports: [], files: [], grant: { ...emptyGrant(), http: ['a.example:443'] } },
    [],
  ],
] as const)
  diff(`${what}: ${breaks.length === 0 ? 'callers go on' : 'callers would fail'}`, () => {
    assert.equal(compare(after as Partial<DescribedVersion>).breaks, [...breaks]);
  });

diff('files are compared by what is in them, imports by name, the grant as sentences', () => {
  const found = compare({
    files: [
      { path: 'data/a', bytes: 4, digest: 'sha256:b' },
      { path: 'data/c', bytes: 1, digest: 'sha256:c' },
    ],
    imports: ['wasi:cli/stdout@0.2.0'],
    grant: { ...emptyGrant(), http: ['a.example:443'] },
  });
  assert.equal(found.files.added, ['data/c']);
  assert.equal(found.files.changed, [{ name: 'data/a', before: '3 bytes, sha256:a', after: '4 bytes, sha256:b' }]);
  assert.equal([found.imports.added, found.imports.removed], [['wasi:cli/stdout@0.2.0'], VERSION.imports]);
  assert.ok([...found.grant.added, ...found.grant.changed.map(({ after }) => after)].join().includes('a.example'));
});

diff.run();

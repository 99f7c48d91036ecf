import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareUse, emptyGrant, mergeUse, NO_USE, type Use } from '../../../../guest-sdk/protocol/index.ts';

const use = suite('what was used');

const seen = (given: { files?: Partial<Use['files']> } & Partial<Omit<Use, 'files'>>): Use => ({
  ...NO_USE,
  ...given,
  files: { ...NO_USE.files, ...given.files },
});

const RUNS: readonly Use[] = [
  seen({ invocations: 1, files: { read: ['/b', '/a'] }, environment: true, most: { ...NO_USE.most, memoryBytes: 5 } }),
  seen({ invocations: 1, files: { read: ['/a'], missing: ['/z'] }, http: [{ host: 'a.example', methods: ['POST'] }] }),
  seen({
    invocations: 2,
    http: [{ host: 'a.example', methods: ['GET'] }],
    stores: { keyvalueBytes: 7, blobBytes: null },
  }),
];

use('is the same in whatever order runs are merged', () => {
  const [a, b, c] = RUNS as [Use, Use, Use];
  const merged = mergeUse(mergeUse(a, b), c);
  for (const other of [mergeUse(a, mergeUse(b, c)), mergeUse(mergeUse(c, a), b), mergeUse(c, mergeUse(b, a))])
    assert.equal(other, merged);
  assert.equal(merged.files.read, ['/a', '/b']);
  assert.equal(merged.http, [{ host: 'a.example', methods: ['GET', 'POST'] }]);
  assert.is(merged.invocations, 4);
  assert.is(merged.stores.keyvalueBytes, 7);
});

const GRANT = {
  ...emptyGrant(),
  files: [
    { path: '/data', from: 'data' },
    { path: 'more', from: 'more' },
  ],
  scratch: [{ path: '/tmp', bytes: 1000, from: null }],
  environment: { MODE: 'fast', TOKEN: { secret: 'token' } },
  secrets: ['token'],
  configuration: { step: '1', limit: '2' },
  http: ['*.example.org', 'other.example:8080'],
  stores: { keyvalue: { bytes: 100 }, blobs: null },
};

for (const [what, given, expected] of [
  ['nothing', seen({}), ['unused files /data', 'unused files more', 'unused scratch /tmp']],
  ['a file below', seen({ files: { read: ['/data/x/y'] } }), ['used files /data', 'unused files more']],
  ['a sibling of a like name', seen({ files: { read: ['/database'] } }), ['unused files /data']],
  ['a path without a slash', seen({ files: { listed: ['/more'] } }), ['used files more']],
  ['the environment', seen({ environment: true }), ['used environment MODE', 'used secrets token']],
  [
    'a key',
    seen({ configuration: { read: ['step'], missing: ['x'], all: false } }),
    ['used configuration step', 'unused configuration limit', 'missing configuration x'],
  ],
  [
    'a host',
    seen({ http: [{ host: 'a.example.org', methods: ['GET'] }] }),
    ['used http *.example.org', 'unused http other.example:8080'],
  ],
  ['the store', seen({ stores: { keyvalueBytes: 0, blobBytes: null } }), ['used stores keyvalue']],
  ['a host in vain', seen({ denied: ['http evil.example'] }), ['refused http http evil.example']],
  [
    'a file in vain',
    seen({ files: { missing: ['/m'], readOnly: ['/r'] } }),
    ['missing files /m', 'refused scratch /r'],
  ],
] as const) {
  use(`of ${what} against a grant says what became of each item`, () => {
    const lines = compareUse(GRANT, given).map(({ state, key, item }) => `${state} ${key} ${item}`);
    for (const line of expected) assert.ok(lines.includes(line), `${line} in ${lines.join('\n')}`);
  });
}

use.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyGrant, LIMIT_NAMES, LIMITS, parseGrant } from '../../../guest-sdk/protocol/index.ts';
import {
  effectiveGrant,
  givenTexts,
  hostPolicy,
  missingSecrets,
  type PolicyFile,
  parsePolicy,
} from '../../../runtime/grant/index.ts';

const effective = suite('the effective grant');

effective('who asks for nothing gets nothing, and the limits of the host', () => {
  const { grant, reduced } = effectiveGrant(parseGrant({}), hostPolicy());
  assert.equal(grant, emptyGrant());
  assert.equal(reduced, []);
});

effective("a host's own limits are what a function gets and the most it gets", () => {
  const policy = hostPolicy({ memoryMib: 64, concurrency: 2 });
  assert.is(effectiveGrant(parseGrant({}), policy).grant.limits.memoryMib, 64);
  const { grant, reduced } = effectiveGrant(parseGrant({ limits: { memoryMib: 512, concurrency: 1 } }), policy);
  assert.is(grant.limits.memoryMib, 64);
  assert.is(grant.limits.concurrency, 1);
  assert.equal(reduced, [{ what: 'limits.memoryMib', asked: '512', granted: '64' }]);
});

effective('every limit has a default within what any host may grant', () => {
  const { defaults, maxima } = hostPolicy();
  for (const name of LIMIT_NAMES) {
    const { minimum, ceiling } = LIMITS[name];
    assert.ok(minimum <= defaults[name] && defaults[name] <= maxima[name] && maxima[name] <= ceiling, name);
  }
});

for (const [name, asked, file, key, granted, reductions] of [
  ['a public host', { http: ['api.example.org'] }, {}, 'http', ['api.example.org'], 0],
  ['a host when none is allowed', { http: ['api.example.org'] }, { http: 'none' }, 'http', [], 1],
  [
    'a host of the list',
    { http: ['a.example.org:80', 'b.org'] },
    { http: ['*.example.org'] },
    'http',
    ['a.example.org:80'],
    1,
  ],
  [
    'more than the list',
    { http: ['*.org'] },
    { http: ['*.example.org', 'c.org:443', 'c.net'] },
    'http',
    ['*.example.org', 'c.org:443'],
    1,
  ],
  ['every host', { http: ['*'] }, {}, 'http', ['*'], 0],
  ['localhost', { http: ['localhost:8080', 'a.localhost'] }, {}, 'http', [], 1],
  ['loopback', { http: ['127.0.0.1:8080', '[::1]:80', '[::ffff:127.0.0.1]:80'] }, {}, 'http', [], 1],
  ['the metadata service', { http: ['169.254.169.254'] }, {}, 'http', [], 1],
  ['private addresses', { http: ['10.1.2.3', '192.168.0.1', '[fd00::1]', '[fe80::1]'] }, {}, 'http', [], 1],
  [
    'loopback where the policy allows it',
    { http: ['localhost:8080'] },
    { privateNetworks: ['127.0.0.0/8'] },
    'http',
    ['localhost:8080'],
    0,
  ],
  [
    'a private address that is in the list but in no network',
    { http: ['10.1.2.3'] },
    { http: ['10.1.2.3'] },
    'http',
    [],
    1,
  ],
  [
    'a private address in both',
    { http: ['10.1.2.3'] },
    { http: ['10.1.2.3'], privateNetworks: ['10.0.0.0/8'] },
    'http',
    ['10.1.2.3'],
    0,
  ],
  ['a public address', { http: ['1.1.1.1'] }, {}, 'http', ['1.1.1.1'], 0],
  [
    'udp',
    { sockets: { udp: ['*:53'], lookup: true } },
    {},
    'sockets',
    { tcp: [], udp: [], lookup: true, listen: false },
    1,
  ],
  [
    'lookups',
    { sockets: { lookup: true } },
    { sockets: { lookup: false } },
    'sockets',
    { tcp: [], udp: [], lookup: false, listen: false },
    1,
  ],
  ['a store', { stores: { keyvalue: { bytes: 1000 } } }, {}, 'stores', { keyvalue: { bytes: 1000 }, blobs: null }, 0],
  [
    'a large store',
    { stores: { blobs: { bytes: 1000 } } },
    { stores: { blobBytes: 10 } },
    'stores',
    { keyvalue: null, blobs: { bytes: 10 } },
    1,
  ],
  [
    'a store where there is none',
    { stores: { blobs: { bytes: 1000 } } },
    { stores: { blobBytes: 0 } },
    'stores',
    { keyvalue: null, blobs: null },
    1,
  ],
  [
    'scratch beyond the host, in the order of the directories',
    {
      scratch: [
        { path: '/a', bytes: 6 },
        { path: '/b', bytes: 6 },
      ],
    },
    { scratchBytes: 8 },
    'scratch',
    [
      { path: '/a', bytes: 6, from: null },
      { path: '/b', bytes: 2, from: null },
    ],
    1,
  ],
  [
    'secrets where there are none',
    { secrets: ['k'], environment: { A: 'a', B: { secret: 'k' } } },
    { secrets: false },
    'environment',
    { A: 'a' },
    1,
  ],
  [
    'a limit that the file raises',
    { limits: { memoryMib: 512 } },
    { maxima: { memoryMib: 1024 } },
    'limits',
    { ...emptyGrant({ memoryMib: 512 }).limits },
    0,
  ],
  [
    'a default of the file',
    {},
    { defaults: { deadlineMs: 5 } },
    'limits',
    { ...emptyGrant({ deadlineMs: 5 }).limits },
    0,
  ],
  [
    'a maximum below the default',
    {},
    { maxima: { deadlineMs: 5 } },
    'limits',
    { ...emptyGrant({ deadlineMs: 5 }).limits },
    0,
  ],
] as const) {
  effective(name, () => {
    const { grant, reduced } = effectiveGrant(parseGrant(asked), hostPolicy({}, parsePolicy(file as PolicyFile)));
    assert.equal(grant[key], granted);
    assert.is(reduced.length, reductions, JSON.stringify(reduced));
  });
}

for (const [name, file, part] of [
  ['an unknown key', { htpp: [] }, 'htpp is not a known key; expected one of $schema, http'],
  ['a host that is none', { http: ['a b'] }, 'http'],
  ['a word that is none', { http: 'all' }, 'http must be'],
  ['a network without its length', { privateNetworks: ['10.0.0.1'] }, 'privateNetworks.0 must be a network such as'],
  ['a network that is none', { privateNetworks: ['300.0.0.0/8'] }, 'privateNetworks.0'],
  ['an unknown limit', { maxima: { memory: 1 } }, 'maxima.memory is not a known key'],
] as const) {
  effective(`a policy with ${name} is refused`, () => {
    assert.throws(
      () => parsePolicy(file, 'policy.json'),
      (error: Error) => error.message.startsWith('policy.json: ') && error.message.includes(part),
    );
  });
}

effective('secrets become texts; one without a value is left out and named', () => {
  const grant = {
    ...emptyGrant(),
    environment: { A: 'a', B: { secret: 'b' }, C: { secret: 'toString' } },
    configuration: { k: { secret: 'b' } },
  };
  assert.equal(givenTexts(grant, { b: 'value' }), {
    environment: [
      ['A', 'a'],
      ['B', 'value'],
    ],
    arguments: [],
    configuration: [['k', 'value']],
  });
  assert.equal(givenTexts(grant).environment, [['A', 'a']]);
  assert.equal(missingSecrets(grant, new Set(['b'])), ['toString']);
});

effective.run();

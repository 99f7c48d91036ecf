import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { type CloudletError, DENIABLE, denying, GrantRequest, parseGrant } from '../../../guest-sdk/protocol/index.ts';
import { effectiveGrant, hostPolicy } from '../../../runtime/grant/index.ts';
import {
  checkImports,
  grantWarnings,
  importsBeyondGrant,
  importsWithoutGrant,
} from '../../../runtime/provision/index.ts';

const imports = suite('imports and the grant');

const STANDARD = [
  'wasi:cli/environment@0.2.6',
  'wasi:filesystem/types@0.2.6',
  'wasi:sockets/tcp@0.2.6',
  'wasi:http/types@0.2.6',
];
const KEYVALUE = 'wasi:keyvalue/store@0.2.0-draft2';
const STORE = { stores: { keyvalue: { bytes: 1000 } } };
const HTTP = 'wasi:http/outgoing-handler@0.2.6';
const check = (found: readonly string[], grant: unknown, policy = {}, brought: readonly string[] = []) => {
  const { grant: granted } = effectiveGrant(parseGrant(grant), hostPolicy({}, policy));
  checkImports(found, v.parse(GrantRequest, grant), granted, brought);
};
const refusal = (sentence: string) => (error: CloudletError) =>
  error.code === 'grant-missing' && error.message.includes(sentence);

imports('what standard libraries always import needs no grant, and is told to find nothing', () => {
  check(STANDARD, {});
  const { grant } = effectiveGrant(parseGrant({}), hostPolicy());
  assert.equal(importsWithoutGrant([...STANDARD, 'wasi:http/outgoing-handler@0.2.6'], grant), [
    'wasi:filesystem/types@0.2.6',
    'wasi:sockets/tcp@0.2.6',
    'wasi:http/outgoing-handler@0.2.6',
  ]);
  const some = effectiveGrant(parseGrant({ http: ['a.org'], scratch: { path: '/tmp', bytes: 1 } }), hostPolicy());
  assert.equal(importsWithoutGrant([...STANDARD, 'wasi:http/outgoing-handler@0.2.6'], some.grant), [
    'wasi:sockets/tcp@0.2.6',
  ]);
});

imports('a store that is imported must be asked for, and be allowed', () => {
  check([...STANDARD, KEYVALUE], STORE);
  assert.throws(
    () => check([KEYVALUE], {}),
    refusal(
      `imports ${KEYVALUE}, which needs a grant; add "stores": { "keyvalue": { "bytes": 1048576 } } to cloudlet.json`,
    ),
  );
  assert.throws(() => check(['wasi:blobstore/blobstore'], STORE), refusal('"stores": { "blobs"'));
  assert.throws(
    () => check([KEYVALUE], STORE, { stores: { keyvalueBytes: 0 } }),
    refusal("this cloudlet's policy grants no stores.keyvalue"),
  );
});

imports('who publishes is warned of what was reduced, and of what cannot be used', () => {
  const asked = parseGrant({ ...STORE, http: ['a.org', '10.0.0.1'], limits: { memoryMib: 4096 } });
  const warnings = grantWarnings([KEYVALUE], asked, effectiveGrant(asked, hostPolicy()));
  assert.equal(warnings, [
    "http: asked for a.org, 10.0.0.1, granted a.org; this cloudlet's policy allows no more (--policy)",
    "limits.memoryMib: asked for 4096, granted 256; this cloudlet's policy allows no more (--policy)",
    'http: asked for, but the component does not import wasi:http/outgoing-handler, so it makes no use of it',
  ]);
});

for (const [name, given, none] of [
  [HTTP, { http: ['a.org'] }, '"http": []'],
  ['wasi:http/client@0.3.0', { http: ['a.org'] }, '"http": []'],
  ['wasi:sockets/tcp-create-socket@0.2.6', { sockets: { tcp: ['a.org:1'] } }, '"sockets": {}'],
  ['wasi:sockets/udp-create-socket@0.2.6', { sockets: { udp: ['a.org:1'] } }, '"sockets": {}'],
  ['wasi:sockets/ip-name-lookup@0.3.0', { sockets: { lookup: true } }, '"sockets": {}'],
  ['wasi:sockets/types@0.3.0', { sockets: { listen: true } }, '"sockets": {}'],
  ['wasi:config/store@0.2.0-rc.1', { configuration: { a: 'b' } }, '"configuration": {}'],
  [KEYVALUE, STORE, '"stores": { "keyvalue": { "bytes": 0 } }'],
  [
    'wasi:blobstore/container@0.2.0-draft',
    { stores: { blobs: { bytes: 1 } } },
    '"stores": { "blobs": { "bytes": 0 } }',
  ],
] as const)
  imports(`${name} is in the grant, be it as nothing, or its component is refused`, () => {
    assert.throws(
      () => check([...STANDARD, name], {}),
      refusal(`the component imports ${name}, which needs a grant; add `),
    );
    assert.throws(() => check([name], {}), refusal(`or ${none} where it is to go without`));
    check([...STANDARD, name], given);
    check([...STANDARD, name], JSON.parse(`{ ${none} }`));
    check([name], JSON.parse(`{ ${none} }`), { stores: { keyvalueBytes: 0, blobBytes: 0 } });
    assert.equal(importsBeyondGrant([name], {})[0]?.name, name);
    assert.equal(importsBeyondGrant([name], denying({}, DENIABLE)), []);
  });

imports('all that is missing is told at once', () => {
  assert.throws(
    () => check([HTTP, KEYVALUE], {}),
    refusal(
      `imports ${KEYVALUE} and ${HTTP}, which need a grant; add "stores": { "keyvalue": { "bytes": 1048576 } } and "http": ["api.example.org"]`,
    ),
  );
  assert.throws(() => check([HTTP, KEYVALUE], { http: [] }), refusal(`imports ${KEYVALUE}, which needs`));
});

imports('a host that allows less than was asked for is no reason to refuse', () => {
  check([HTTP], { http: ['a.org'] }, { http: 'none' });
});

imports('what an engine brings for every program is told, and taken', () => {
  const asked = parseGrant({});
  check([...STANDARD, HTTP], {}, {}, [HTTP]);
  const [sentence, ...others] = grantWarnings([HTTP], asked, effectiveGrant(asked, hostPolicy()), [HTTP]);
  assert.equal(others, []);
  assert.match(
    sentence!,
    /^http: its engine imports wasi:http\/outgoing-handler@0\.2\.6 .*"http": \[\] \(--deny http\)$/,
  );
  assert.throws(() => check([HTTP, KEYVALUE], {}, {}, [HTTP]), refusal(`imports ${KEYVALUE}, which needs`));
});

imports('what is denied is what was not given', () => {
  assert.equal(denying({ http: ['a.org'] }, ['http', 'keyvalue']), {
    http: ['a.org'],
    stores: { keyvalue: { bytes: 0 } },
  });
  assert.equal(denying({}, []), {});
  for (const what of DENIABLE) parseGrant(denying({}, [what]));
});

imports.run();

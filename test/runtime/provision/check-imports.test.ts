import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, parseGrant } from '../../../guest-sdk/protocol/index.ts';
import { effectiveGrant, hostPolicy } from '../../../runtime/grant/index.ts';
import { checkImports, grantWarnings, importsWithoutGrant } from '../../../runtime/provision/index.ts';

const imports = suite('imports and the grant');

const STANDARD = [
  'wasi:cli/environment@0.2.6',
  'wasi:filesystem/types@0.2.6',
  'wasi:sockets/tcp@0.2.6',
  'wasi:http/types@0.2.6',
];
const KEYVALUE = 'wasi:keyvalue/store@0.2.0-draft2';
const STORE = { stores: { keyvalue: { bytes: 1000 } } };
const check = (found: readonly string[], grant: unknown, policy = {}) => {
  const asked = parseGrant(grant);
  checkImports(found, asked, effectiveGrant(asked, hostPolicy({}, policy)).grant);
};

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
  const refusal = (sentence: string) => (error: CloudletError) =>
    error.code === 'grant-missing' && error.message.includes(sentence);
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

imports('who imports requests and asks for no host is told so, and is taken', () => {
  const warned = (found: string[], grant: unknown) => {
    const asked = parseGrant(grant);
    check(found, grant);
    return grantWarnings(found, asked, effectiveGrant(asked, hostPolicy()));
  };
  for (const name of ['wasi:http/outgoing-handler@0.2.6', 'wasi:http/client@0.3.0']) {
    const [sentence, ...others] = warned([...STANDARD, name], {});
    assert.equal(others, []);
    assert.match(sentence!, new RegExp(`imports ${name}, and no host is asked for.*"http": \\["api.example.org"\\]`));
    assert.equal(warned([...STANDARD, name], { http: ['a.org'] }), []);
  }
  assert.equal(warned(STANDARD, {}), []);
});

imports.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  emptyGrant,
  NOTHING_ASKED,
  parseGrant,
  secretsUsed,
} from '../../../../guest-sdk/protocol/index.ts';

const grants = suite('the grant that is asked for');

const refusal = (value: unknown): string => {
  try {
    parseGrant(value, 'cloudlet.json');
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'grant-invalid');
    return (error as Error).message;
  }
  throw new Error('it was not refused');
};

grants('an empty document asks for nothing', () => {
  const { limits: _, ...nothing } = emptyGrant();
  assert.equal(parseGrant({}), { ...nothing, limits: {} });
  assert.equal(parseGrant({}), NOTHING_ASKED);
});

grants('all of it is read', () => {
  const asked = parseGrant({
    files: [{ path: '/data', from: 'assets' }],
    scratch: { path: '/tmp', bytes: 1024 },
    environment: { MODE: 'fast', TOKEN: { secret: 'token' } },
    arguments: ['--verbose'],
    configuration: { 'region.name': 'eu', key: { secret: 'token' } },
    secrets: ['token'],
    http: ['api.example.org', '*.example.org:8443'],
    sockets: { tcp: ['db.example.org:5432'], lookup: true },
    stores: { keyvalue: { bytes: 1000 } },
    limits: { memoryMib: 64, handles: 100 },
  });
  assert.equal(asked.scratch, [{ path: '/tmp', bytes: 1024, from: null }]);
  assert.equal(asked.sockets, { tcp: ['db.example.org:5432'], udp: [], lookup: true, listen: false });
  assert.equal(asked.stores, { keyvalue: { bytes: 1000 }, blobs: null });
  assert.equal(asked.limits, { memoryMib: 64, handles: 100 });
  assert.equal(secretsUsed(asked), ['token']);
});

for (const [name, value, ...parts] of [
  ['an unknown key', { enviroment: {} }, 'enviroment is not a known key', 'files, scratch, environment'],
  ['an unknown limit', { limits: { memory: 1 } }, 'limits.memory is not a known key', 'memoryMib, deadlineMs'],
  ['an unknown key in a list', { files: [{ path: '/a', form: 'a' }] }, 'files.0.form is not a known key', 'path, from'],
  ['an unknown key of a store', { stores: { keyvalue: { mib: 1 } } }, 'stores.keyvalue.mib', 'one of bytes'],
  ['no object', [], 'the document must be'],
  ['a limit that is no number', { limits: { memoryMib: '64' } }, 'limits.memoryMib must be a number', '"64"'],
  ['a limit of half', { limits: { memoryMib: 0.5 } }, 'limits.memoryMib'],
  [
    'a limit above what any host grants',
    { limits: { handles: 1e9 } },
    'limits.handles must be at most 65536',
    '1000000000',
  ],
  ['a limit of nothing', { limits: { handles: 0 } }, 'limits.handles must be at least 16'],
  ['a path out of the package', { files: [{ path: '/a', from: '../secret' }] }, 'files.0.from must be a relative path'],
  ['an absolute path in the package', { files: [{ path: '/a', from: '/etc' }] }, 'files.0.from'],
  ['a guest path with ..', { scratch: { path: '/a/../b', bytes: 1 } }, 'scratch.path must be a path of plain names'],
  ['one place twice', { files: [{ path: '/a', from: 'a' }], scratch: { path: 'a/', bytes: 1 } }, 'scratch'],
  [
    'one place under two spellings',
    { files: [{ path: '/a', from: 'a' }], scratch: { path: 'a', bytes: 1 } },
    'scratch.0.path must be another place than files.0.path',
  ],
  ['scratch without bytes', { scratch: { path: '/tmp' } }, 'scratch.bytes'],
  ['a variable with =', { environment: { 'A=B': 'c' } }, 'environment.A=B must be a name without "="'],
  [
    'a variable that is two lines',
    { environment: { 'A\n    http: none': 'c' } },
    'a name without "=" and control characters',
  ],
  [
    'a variable that moves the cursor',
    { environment: { 'A\x9b2J': 'c' } },
    'a name without "=" and control characters',
  ],
  ['a key that is two lines', { configuration: { 'a\nb': 'c' } }, 'a key without control characters'],
  ['a value with NUL', { environment: { A: 'a\0b' } }, 'environment.A must be'],
  ['a value that is no text', { environment: { A: 1 } }, 'environment.A must be'],
  [
    'a secret that is not asked for',
    { environment: { A: { secret: 'key' } } },
    'environment.A refers to the secret "key"',
    'add it to "secrets"',
  ],
  ['a secret with a bad name', { secrets: ['a b'] }, 'secrets.0 must be a name'],
  ['a host with a scheme', { http: ['https://a.org'] }, 'http.0 must be a host such as'],
  [
    'a socket without a port',
    { sockets: { tcp: ['a.org'] } },
    'sockets.tcp.0 must be a host such as "db.example.org:5432"',
  ],
  ['too many arguments', { arguments: Array(257).fill('a') }, 'arguments must be'],
  [
    'too many variables',
    { environment: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`A${n}`, ''])) },
    'at most 256 entries',
  ],
  ['a long value', { arguments: ['a'.repeat(32_769)] }, 'arguments.0 must be a text of at most 32768 characters'],
] as const) {
  grants(`${name} is refused`, () => {
    const message = refusal(value);
    assert.ok(message.startsWith('cloudlet.json: '), message);
    for (const part of parts) assert.ok(message.includes(part), message);
  });
}

grants.run();

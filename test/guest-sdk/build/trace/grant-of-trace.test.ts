import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compareTrace,
  grantOfTrace,
  mergeTraces,
  planGrant,
  readTrace,
  resetTrace,
  TRACE_FILE,
  type TraceRecord,
  writeTrace,
} from '../../../../guest-sdk/build/index.ts';
import { bytesFor, limitsFor } from '../../../../guest-sdk/build/trace/headroom.ts';
import { describeChanges, grantChanges, withGrant } from '../../../../guest-sdk/build/trace/project-text.ts';
import { readFirstOfTrace } from '../../../../guest-sdk/build/trace/read-first.ts';
import { NO_TRACE } from '../../../../guest-sdk/build/trace/trace-record.ts';
import { type GrantRequest, NO_USE, parseName, type Use } from '../../../../guest-sdk/protocol/index.ts';

const traces = suite<{ folder: string }>('the grant of a trace');

traces.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-grant-'));
  for (const path of ['voices/a', 'voices/b', 'assets/one', 'assets/two', 'cat.wasm']) {
    await mkdir(dirname(join(context.folder, path)), { recursive: true });
    await writeFile(join(context.folder, path), path);
  }
});
traces.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true, force: true });
});

type Seen = Partial<Omit<TraceRecord, 'use'>> & { use?: Partial<Use> };
const record = ({ use, ...given }: Seen): TraceRecord => ({ ...NO_TRACE, ...given, use: { ...NO_USE, ...use } });
const files = (given: Partial<Use['files']>) => ({ files: { ...NO_USE.files, ...given } });
const read = (sources: Record<string, string>): Seen => ({ sources, use: files({ read: Object.keys(sources) }) });

for (const [what, seen, grant, copies] of [
  ['nothing', {}, {}, []],
  ['a whole folder', read({ '/v/a': 'voices/a', '/v/b': 'voices/b' }), { files: [{ path: '/v', from: 'voices' }] }, []],
  ['a part of a folder', read({ '/v/a': 'voices/a' }), { files: [{ path: '/v/a', from: 'voices/a' }] }, []],
  [
    'a file elsewhere',
    read({ '/usr/share/x/m': '/usr/share/x/m' }),
    { files: [{ path: '/usr/share/x', from: 'files/usr/share/x' }] },
    ['/usr/share/x/m > files/usr/share/x/m'],
  ],
  ['a copy of an earlier trace', read({ '/x/m': 'files/x/m' }), { files: [{ path: '/x/m', from: 'files/x/m' }] }, []],
  [
    'a file written',
    { use: files({ written: ['/tmp/o/p', '/tmp/q'] }) },
    { scratch: [{ path: '/tmp', bytes: 1048576 }] },
    [],
  ],
  [
    'files that it changes',
    { sources: { '/v/a': 'voices/a', '/v/b': 'voices/b' }, use: files({ read: ['/v/a', '/v/b'], written: ['/v/a'] }) },
    { scratch: [{ path: '/v', bytes: 1048576, from: 'voices' }] },
    [],
  ],
  [
    'hosts',
    {
      use: {
        http: [{ host: 'a.example', methods: ['GET'] }],
        sockets: { ...NO_USE.sockets, tcp: ['db:1'], lookup: ['db'] },
      },
    },
    { http: ['a.example'], sockets: { tcp: ['db:1'] } },
    [],
  ],
  [
    'a store',
    { use: { stores: { keyvalueBytes: 3 * 2 ** 20, blobBytes: null } } },
    { stores: { keyvalue: { bytes: 8 * 2 ** 20 } } },
    [],
  ],
  [
    'variables',
    { environment: { M: '1' }, secrets: { T: 't' }, use: { environment: true } },
    { environment: { M: '1', T: { secret: 't' } }, secrets: ['t'] },
    [],
  ],
  ['memory', { use: { most: { ...NO_USE.most, memoryBytes: 200 * 2 ** 20 } } }, { limits: { memoryMib: 512 } }, []],
] as [string, Seen, GrantRequest, string[]][]) {
  traces(`that saw ${what} is exactly that`, async ({ folder }) => {
    const traced = await grantOfTrace(record(seen), {}, folder);
    assert.equal(traced.grant, grant);
    assert.equal(
      traced.copies.map(({ source, target }) => `${source} > ${target}`),
      copies,
    );
  });
}

traces('leaves what only the project knows, and drops what was not used', async ({ folder }) => {
  const before: GrantRequest = {
    files: [{ path: '/never', from: 'assets' }],
    environment: { M: 'mine', UNUSED: 'x' },
    arguments: ['-v'],
    configuration: { step: '1', never: '2' },
    http: ['*.example.org', 'never.example'],
    limits: { deadlineMs: 60_000 },
  };
  const seen = record({
    environment: { M: 'given' },
    use: {
      ...{ environment: true, arguments: true, configuration: { read: ['step'], missing: [], all: false } },
      http: [{ host: 'a.example.org', methods: ['GET'] }],
    },
  });
  assert.equal((await grantOfTrace(seen, before, folder)).grant, {
    environment: { M: 'mine' },
    arguments: ['-v'],
    configuration: { step: '1' },
    http: ['*.example.org'],
    limits: { deadlineMs: 60_000 },
  });
});

traces('tells what was looked for and is not in it', async ({ folder }) => {
  const seen = record({
    use: files({ missing: ['/m'], lookedAt: ['/l'], written: ['/tmp/made'] }),
    unknownVariables: ['X'],
  });
  const { notes } = await grantOfTrace(seen, {}, folder);
  assert.match(notes.join('\n'), /not there: \/m\n.*left out: \/l\n.*left out: X/s);
});

for (const [most, bytes] of [
  [0, 2 ** 20],
  [2 ** 19 + 1, 2 ** 21],
  [2 ** 20, 2 ** 21],
  [3 * 2 ** 20, 2 ** 23],
] as const)
  traces(`of ${most} bytes has room for ${bytes}`, () => assert.is(bytesFor(most), bytes));

traces('raises limits and lowers none', () => {
  const most = { memoryBytes: 2 ** 20, wallMs: 4000, cpuMs: 100, atOnce: 1 };
  assert.equal(limitsFor(most, {}), { deadlineMs: 64_000 });
  assert.equal(limitsFor(most, { deadlineMs: 90_000, memoryMib: 1 }), { deadlineMs: 90_000, memoryMib: 2 });
});

traces('is written beside the other keys, and told as a difference', () => {
  const text = '{ "name": "x", "http": ["a"], "component": "c" }';
  assert.is(
    withGrant(text, { stores: { blobs: { bytes: 1 } } }),
    '{\n  "name": "x",\n  "component": "c",\n  "stores": { "blobs": { "bytes": 1 } }\n}\n',
  );
  const changes = grantChanges(
    { http: ['a'], scratch: { path: '/t', bytes: 1 } },
    { http: ['b'], scratch: [{ path: '/t', bytes: 1 }] },
  );
  assert.equal(describeChanges(changes), ['- "http": ["a"]', '+ "http": ["b"]']);
});

traces('is planned, written with its copies, and then asked for no more', async ({ folder }) => {
  const source = join(folder, '..', `outside-${process.pid}`);
  await writeFile(source, 'outside');
  const trace = { name: 'cat' as never, folder, component: join(folder, 'cat.wasm') };
  const seen = record(read({ '/x/outside': source, '/v/a': 'voices/a' }));
  try {
    const plan = await planGrant(trace, seen);
    assert.equal(
      plan.changes.map(({ key }) => key),
      ['files'],
    );
    await plan.write();
  } finally {
    await rm(source);
  }
  assert.equal(JSON.parse(await readFile(join(folder, 'cloudlet.json'), 'utf8')), {
    name: 'cat',
    component: 'cat.wasm',
    files: [
      { path: '/v/a', from: 'voices/a' },
      { path: '/x', from: 'files/x' },
    ],
  });
  assert.is(await readFile(join(folder, 'files/x/outside'), 'utf8'), 'outside');
  assert.equal((await planGrant(trace, seen)).changes, []);
});

for (const [what, order, expected] of [
  ['by their paths, as they are anyhow', ['/v/a', '/v/b'], []],
  ['in another order', ['/v/b', '/one', '/v/a'], ['voices/b', 'assets/one', 'voices/a']],
  ['and some of them are not in the package', ['/v/b', '/etc/hosts', '/v/a'], ['voices/b', 'voices/a']],
] as const)
  traces(`of files that were read ${what} has first ${expected.join(', ') || 'nothing'}`, () => {
    const grant = {
      files: [
        { path: '/v', from: 'voices' },
        { path: '/one', from: 'assets/one' },
      ],
    };
    assert.equal(readFirstOfTrace(order, grant), expected);
  });

traces('names so many files that are read first, and no more', () => {
  const order = Array.from({ length: 100 }, (_, at) => `/v/${999 - at}`);
  const first = readFirstOfTrace(order, { files: [{ path: '/v', from: 'voices' }] });
  assert.equal([first.length, first[0], first.at(-1)], [64, 'voices/999', 'voices/936']);
});

traces('keeps in the project file in which order files were read', async ({ folder }) => {
  const trace = { name: 'cat' as never, folder, component: join(folder, 'cat.wasm') };
  const seen = record({ ...read({ '/v/a': 'voices/a', '/v/b': 'voices/b' }), readOrder: ['/v/b', '/v/a'] });
  const plan = await planGrant(trace, seen);
  assert.equal(
    plan.changes.map(({ key }) => key),
    ['files', 'readFirst'],
  );
  await plan.write();
  const written = JSON.parse(await readFile(join(folder, 'cloudlet.json'), 'utf8'));
  assert.equal(written.readFirst, ['voices/b', 'voices/a']);
  assert.equal((await planGrant(trace, seen)).changes, []);
  await (await planGrant(trace, { ...seen, readOrder: ['/v/a', '/v/b'] })).write();
  assert.is(JSON.parse(await readFile(join(folder, 'cloudlet.json'), 'utf8')).readFirst, undefined);
});

traces('of several runs is the same in whatever order they were', async ({ folder }) => {
  const [a, b] = [
    record({ ...read({ '/v/a': 'voices/a' }), readOrder: ['/v/a', '/v/c'], environment: { M: '2' } }),
    record({ readOrder: ['/v/b', '/v/c'], environment: { M: '1' }, unknownVariables: ['M', 'N'] }),
  ];
  assert.equal(mergeTraces(a, b), mergeTraces(b, a));
  assert.equal(mergeTraces(a, b).readOrder, ['/v/a', '/v/b', '/v/c']);
  assert.equal(mergeTraces(a, b).environment, { M: '1' });
  assert.equal(mergeTraces(a, b).unknownVariables, ['N']);
  assert.is(await readTrace(folder), null);
  await writeTrace(folder, mergeTraces(a, b));
  assert.equal(await readTrace(folder), mergeTraces(b, a));
  await writeFile(join(folder, TRACE_FILE), '{ "format": 1, "use": {');
  await readTrace(folder).then(
    () => assert.unreachable(),
    (error: Error) =>
      assert.match(error.message, /trace\.json, which cannot be read .*; forget it with: npx cloudlet trace --reset/),
  );
  await resetTrace(folder);
  assert.is(await readTrace(folder), null);
});

traces('is compared with what a project asks for', () => {
  const seen = record({ ...read({ '/data/x': 'x', '/m/y': 'y' }), environment: { M: '1' } });
  const { unused, lacking } = compareTrace(seen, { files: [{ path: '/data', from: 'd' }], http: ['never.example'] });
  assert.match(unused.join('\n'), /^http never.example: granted, and no trace used it/);
  assert.match(lacking.join('\n'), /^files: traces used \/m\/y, not granted; .*\nenvironment: traces used M/);
});

traces('a copy of what not everybody may read is told', async ({ folder }) => {
  const place = join(folder, 'project');
  await mkdir(place);
  const secret = join(folder, 'assets/one');
  await chmod(secret, 0o600);
  const seen = record(read({ '/etc/shadow': secret, '/etc/hosts': join(folder, 'assets/two') }));
  const { traced } = await planGrant({ name: parseName('fn'), folder: place, component: join(place, 'fn.wasm') }, seen);
  assert.match(traced.notes[0] ?? '', new RegExp(`not everybody.*: ${secret}$`));
});

traces.run();

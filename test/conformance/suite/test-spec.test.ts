import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseTestSpec } from './test-spec.ts';

const specs = suite('conformance test specs');

const read = (json: unknown) => parseTestSpec(JSON.stringify(json), 't.json');

specs('a test without a file runs and ends with 0', () => {
  assert.equal(parseTestSpec(undefined, 't.json').operations, [
    { type: 'run', args: [], env: {}, root: null },
    { type: 'wait', exitCode: 0 },
  ]);
});

specs('the older layout is a run, its streams, and its end', () => {
  const old = { args: ['a'], env: { K: 'V' }, root: 'dir', stdin: 'in', stdout: 'out', stderr: 'err', exit_code: 33 };
  assert.equal(read(old).operations, [
    { type: 'run', args: ['a'], env: { K: 'V' }, root: 'dir' },
    { type: 'write', payload: 'in' },
    { type: 'read', id: 'stdout', payload: 'out' },
    { type: 'read', id: 'stderr', payload: 'err' },
    { type: 'wait', exitCode: 33 },
  ]);
  assert.is((read({ dirs: ['fs.dir'] }).operations[0] as { root: string }).root, 'fs.dir');
});

specs('the newer layout is a list of operations, with servers', () => {
  const spec = read({
    proposals: ['http'],
    world: 'wasi:http/service',
    servers: [
      {
        name: 'main',
        endpoints: [
          { path: '/x', mode: 'echo-body' },
          { method: 'post', response: { chunks: ['a'], trailers: { t: 'v' } } },
        ],
      },
      { name: 'dead', kind: 'closed' },
    ],
    operations: [
      { type: 'run' },
      {
        type: 'request',
        method: 'POST',
        path: '/p',
        body: 'b',
        headers: { h: '1' },
        response: { status: 201, body: 'r' },
      },
      { type: 'connect', id: 'c' },
      { type: 'send', id: 'c', payload: 's' },
      { type: 'recv', id: 'c', payload: 'r' },
      { type: 'kill', signal: 'SIGINT' },
      { type: 'wait' },
    ],
  });
  assert.is(spec.world, 'wasi:http/service');
  assert.equal(
    spec.operations.map(({ type }) => type),
    ['run', 'request', 'connect', 'send', 'recv', 'kill', 'wait'],
  );
  assert.equal(
    spec.servers[0]?.endpoints.map(({ method, mode, chunks }) => [method, mode, chunks]),
    [
      ['GET', 'echo-body', null],
      ['POST', 'static', ['a']],
    ],
  );
  assert.is(spec.servers[1]?.kind, 'closed');
});

for (const [what, json, sentence] of [
  ['an unknown field', { argv: [] }, 't.json: expected one of'],
  ['both layouts', { args: [], operations: [] }, 't.json: expected the fields of one layout'],
  ['an unknown operation', { operations: [{ type: 'jump' }] }, 't.json: operations[0]: expected run, wait'],
  [
    'an unknown stream',
    { operations: [{ type: 'read', id: 'log' }] },
    't.json: operations[0].id: expected stdout or stderr',
  ],
  ['an unknown world', { world: 'wasi:gfx/app' }, 't.json: world: expected'],
  ['a number for a text', { args: [1] }, 't.json.args: expected a text, got 1'],
  ['a text for a number', { exit_code: '0' }, 't.json: exit_code: expected a whole number, got "0"'],
  ['a send without a name', { operations: [{ type: 'send' }] }, 't.json: operations[0].id: expected a text'],
  [
    'an unknown mode',
    { servers: [{ name: 's', endpoints: [{ mode: 'loud' }] }] },
    't.json: servers[0].endpoints[0].mode: expected',
  ],
] as const)
  specs(`${what} is an error`, () => {
    try {
      read(json);
      assert.unreachable();
    } catch (error) {
      assert.ok((error as Error).message.startsWith(sentence), (error as Error).message);
    }
  });

specs.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Problem } from '../../../guest-sdk/protocol/index.ts';
import { pathForGuest } from '../../../host/routes/http-door.ts';
import type { InvocationRequest } from '../../../runtime/index.ts';
import { AS_OWNER, chunks, collect, type Guest, TRACEPARENT, testHost } from '../memory-engine.ts';

const run = suite('commands and http handlers');

async function ask(
  guest: Guest,
  path = '/v1/functions/hello/run',
  init: RequestInit = { method: 'POST' },
): Promise<Response> {
  const { app, engine } = testHost();
  engine.guest = guest;
  return await app.request(path, { ...init, headers: { ...AS_OWNER, ...(init.headers as Record<string, string>) } });
}

run('stdin, arguments, stdout and exit status go through', async () => {
  let seen: InvocationRequest | undefined;
  const response = await ask(
    async (request, input) => {
      seen = request;
      return { output: chunks('got ', await collect(input)), end: { exitCode: 3 } };
    },
    '/v1/functions/hello/run?arg=-w&arg=a%20b&arg=',
    { method: 'POST', body: 'stdin' },
  );
  assert.equal(seen, { door: 'run', arguments: ['-w', 'a b', ''] });
  assert.equal(
    [response.status, response.headers.get('cloudlet-exit-code'), await response.text()],
    [200, '3', 'got stdin'],
  );
  assert.is(response.headers.get('content-type'), 'application/octet-stream');
  assert.is(response.headers.get('server-timing'), 'queue;dur=0.5, start;dur=84;desc="boot", run;dur=3.25');
});

run('a command that fails within the first 64 KiB is a problem, not a short answer', async () => {
  const response = await ask(async () => ({
    output: (async function* () {
      yield Buffer.from('half');
      throw new CloudletError('deadline-exceeded', 'expected an end within 5 ms');
    })(),
  }));
  const problem = (await response.json()) as Problem;
  assert.equal([response.status, problem.code, problem.instance], [504, 'deadline-exceeded', '/v1/invocations/i1']);
  assert.equal(
    ['cloudlet-invocation-id', 'traceparent'].map((name) => response.headers.get(name)),
    ['i1', TRACEPARENT],
  );
});

run("a caller's place in a trace goes to the engine, and not as headers to the function", async () => {
  const { app, engine } = testHost();
  const names: string[] = [];
  engine.guest = async (request) => {
    if (request.door === 'http') names.push(...request.headers.map(([name]) => name));
    return { head: { status: 200, headers: [] }, output: chunks() };
  };
  const headers = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: 'a=1', 'x-mine': '1' };
  for (const [path, method] of [
    ['/f/hello', 'GET'],
    ['/v1/functions/hello/run', 'POST'],
    ['/v1/functions/hello/call/add', 'POST'],
  ] as const) {
    engine.lastTrace = undefined;
    await (await app.request(path, { method, headers: { ...AS_OWNER, ...headers } })).arrayBuffer();
    const { traceId, spanId, sampled, state } = engine.lastTrace!;
    assert.equal([traceId, spanId, sampled, state], ['1'.repeat(32), '2'.repeat(16), true, 'a=1'], path);
  }
  assert.equal(names, ['x-mine']);
});

run('long output is streamed before its end is known', async () => {
  const gate = Promise.withResolvers<void>();
  const response = await ask(async () => ({
    output: (async function* () {
      yield new Uint8Array(70_000);
      await gate.promise;
      yield new Uint8Array(1);
    })(),
  }));
  assert.is(response.headers.get('cloudlet-exit-code'), null);
  gate.resolve();
  assert.is((await response.arrayBuffer()).byteLength, 70_001);
});

run('an http handler sees method, path, authority and its own headers', async () => {
  let seen: InvocationRequest | undefined;
  const response = await ask(
    async (request, input) => {
      seen = request;
      return { head: { status: 201, headers: [['x-made', Buffer.from('yes')]] }, output: chunks(await collect(input)) };
    },
    '/f/hello/a%20b/c?x=1&y',
    { method: 'PROPFIND', body: 'body', headers: { 'x-mine': '1', host: 'localhost:8080' } },
  );
  assert.ok(seen?.door === 'http');
  assert.equal(
    [seen.method, seen.path, seen.authority, seen.scheme],
    ['PROPFIND', '/a%20b/c?x=1&y', 'localhost:8080', 'http'],
  );
  assert.equal(
    seen.headers.filter(([name]) => ['x-mine', 'authorization', 'host'].includes(name)),
    [['x-mine', Buffer.from('1')]],
  );
  assert.equal([response.status, response.headers.get('x-made'), await response.text()], [201, 'yes', 'body']);
});

run("an http answer is sandboxed and sets nothing on the cloudlet's origin", async () => {
  const headers = [
    ['content-type', 'text/html'],
    ['set-cookie', 'cloudlet-session-cl-0a1b2c3d=evil'],
    ['content-security-policy', "default-src 'self'"],
    ['server-timing', 'db;dur=5'],
    ['traceparent', `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`],
  ].map(([name, value]) => [name!, Buffer.from(value!)] as const);
  const { app, engine, journal } = testHost();
  engine.guest = async () => ({ head: { status: 200, headers }, output: chunks('<script>') });
  for (let i = 0; i < 2; i++) {
    const response = await app.request('/f/hello', { headers: AS_OWNER });
    assert.is(response.headers.get('set-cookie'), null);
    assert.match(
      response.headers.get('content-security-policy')!,
      /^sandbox (?!.*allow-same-origin).*, default-src 'self'$/,
    );
    assert.match(response.headers.get('x-content-type-options')!, /^nosniff/);
    assert.match(response.headers.get('server-timing')!, /^queue;dur=.*, db;dur=5$/);
    assert.is(response.headers.get('traceparent'), TRACEPARENT);
  }
  assert.is(journal.length, 1, 'told once');
  assert.match(journal[0]!, /"headers":"set-cookie"/);
});

for (const [what, method, status, body] of [
  ['HEAD', 'HEAD', 200, ''],
  ['204', 'GET', 204, ''],
  ['304', 'GET', 304, ''],
  ['404', 'DELETE', 404, 'body'],
] as const) {
  run(`${what} has ${body === '' ? 'no' : 'its'} body, and the guest's output is read to its end`, async () => {
    const ended = Promise.withResolvers<void>();
    const response = await ask(
      async () => ({
        head: { status, headers: [['content-length', Buffer.from('4')]] },
        output: (async function* () {
          yield Buffer.from('body');
          ended.resolve();
        })(),
      }),
      '/f/hello/x',
      { method },
    );
    assert.equal([response.status, await response.text()], [status, body]);
    await ended.promise;
  });
}

for (const [method, status, length] of [
  ['HEAD', 200, '4'],
  ['GET', 304, '4'],
  ['GET', 204, null],
  ['GET', 205, null],
] as const) {
  run(
    `the answer to ${method} with ${status} ${length === null ? 'tells of no length' : 'may tell a length'}`,
    async () => {
      const head = { status, headers: [['content-length', Buffer.from('4')]] as const };
      const response = await ask(async () => ({ head, output: chunks('body') }), '/f/hello', { method });
      assert.is(response.headers.get('content-length'), length);
    },
  );
}

for (const [what, status, headers] of [
  ['a status of 99', 99, []],
  ['a status of 1000', 1000, []],
  ['a header with a line break', 200, [['x', Buffer.from('a\r\nb: c')]]],
] as const) {
  run(`${what} is a bad answer of the function`, async () => {
    const response = await ask(async () => ({ head: { status, headers }, output: chunks() }), '/f/hello');
    assert.equal(
      [response.status, ((await response.json()) as { code: string }).code],
      [502, 'guest-response-invalid'],
    );
  });
}

run('the path of a component begins after its name', () => {
  const paths = [
    '/f/hello',
    '/f/hello/',
    '/f/hello?x',
    '/f/hello/?x',
    '/f/hello//a',
    '/f/hello/%2e%2F',
    '/f/h%65llo/x',
    '/f/f/f/f',
  ];
  assert.equal(paths.map(pathForGuest), ['/', '/', '/?x', '/?x', '//a', '/%2e%2F', '/x', '/f/f']);
});

run.run();

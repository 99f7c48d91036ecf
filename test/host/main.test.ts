// end to end
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type FunctionInfo,
  type Problem,
  type Published,
  type Status,
} from '../../guest-sdk/protocol/index.ts';
import { type HostConfig, hostConfig } from '../../host/config.ts';
import { createJournal } from '../../host/journal.ts';
import { type Serving, serve } from '../../host/main.ts';
import { readOwnerToken } from '../../host/trust/index.ts';
import { guest } from '../support/guest.ts';

const main = suite<{ folder: string; said: string[]; journal: string[]; serving: Serving; token: string }>('a host');

main.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-host-'));
  context.said = [];
  context.journal = [];
  context.serving = await serve(configIn(context.folder), {
    journal: createJournal({ write: (line) => context.journal.push(line), readable: false }),
    say: (text) => context.said.push(text),
    terminal: false,
    handleSignals: false,
    advertise: false,
  });
  context.token = (await readOwnerToken(join(context.folder, 'data')))!;
});

main.after(async (context) => {
  await context.serving.close();
  await rm(context.folder, { recursive: true, force: true });
});

function configIn(folder: string, port = 0): HostConfig {
  const flags = { port, data: join(folder, 'data'), cache: join(folder, 'cache'), sandbox: 'process', memory: 3000 };
  return hostConfig(flags, { environment: {}, home: folder, isRoot: false });
}

type World = Parameters<Parameters<typeof main>[1]>[0];

async function ask(context: World, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${context.token}`, ...(init.headers as Record<string, string>) };
  return await fetch(`${context.serving.url}${path}`, { ...init, headers });
}

async function publish(context: World, name: string, component = name): Promise<Response> {
  const body = await readFile(await guest(component));
  return await ask(context, `/v1/functions/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/wasm' },
    body,
  });
}

async function problem(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as Problem).code];
}

main('it says where it serves, and keeps the token out of a pipe', async ({ said, serving, token, journal }) => {
  assert.match(said.join(''), new RegExp(`^Cloudlet serves at http://localhost:${serving.port} .*owner-token\\)\\n$`));
  assert.match(token, /^[\w-]{43}$/);
  assert.not.match(said.join('') + journal.join(''), new RegExp(token));
  assert.is((await fetch(`${serving.url}/readyz`)).status, 200);
});

main('its page lets a stranger knock, and shows the owner what runs', async (context) => {
  const stranger = await fetch(`${context.serving.url}/`);
  assert.is(stranger.status, 200);
  assert.match(stranger.headers.get('content-type')!, /^text\/html/);
  assert.not.match(await stranger.text(), new RegExp(context.token));
  assert.is((await ask(context, '/')).status, 200);
});

main('its status is what the description promises', async (context) => {
  const status = (await (await ask(context, '/v1/status')).json()) as Status;
  assert.equal(
    [status.id, status.sandbox, status.accelerator.isolates, status.limits.sandboxBytes],
    [context.serving.cloudlet.id, 'process', false, 3000 * 1024 * 1024],
  );
});

main('a component is published once, and is the same the second time', async (context) => {
  const first = await publish(context, 'cat');
  assert.is(first.status, 201);
  const published = (await first.json()) as Published;
  assert.equal([published.name, published.version, published.created], ['cat', 1, true]);
  assert.is((await publish(context, 'cat')).status, 200);
  const info = (await (await ask(context, '/v1/functions/cat')).json()) as FunctionInfo;
  assert.equal([info.version, info.digest, info.doors], [1, published.digest, ['run']]);
});

main('a command reads stdin and answers with stdout and its exit status', async (context) => {
  const response = await ask(context, '/v1/functions/cat/run?arg=a', { method: 'POST', body: 'through a sandbox' });
  assert.is(response.status, 200);
  assert.match(await response.text(), /through a sandbox/);
  assert.match(response.headers.get('cloudlet-exit-code')!, /^\d+$/);
  assert.match(
    response.headers.get('server-timing')!,
    /^queue;dur=[\d.]+, start;dur=[\d.]+;desc="[\w-]+", run;dur=[\d.]+$/,
  );
});

main('an http handler answers under its name, and sees nothing that proves who asks', async (context) => {
  assert.is((await publish(context, 'echo-http')).status, 201);
  const response = await ask(context, '/f/echo-http/a%20b/request?x=1', {
    method: 'PATCH',
    body: 'four',
    headers: { 'x-mine': '1' },
  });
  const seen = (await response.json()) as {
    method: string;
    path: string;
    authority: string;
    bytes: number;
    headers: [string, string][];
  };
  assert.equal([seen.method, seen.path, seen.bytes], ['PATCH', '/a%20b/request?x=1', 4]);
  assert.is(seen.authority, new URL(context.serving.url).host);
  const names = seen.headers.map(([name]) => name);
  assert.ok(names.includes('x-mine'));
  assert.not.ok(names.includes('authorization') || names.includes('cookie'));
  assert.not.match(JSON.stringify(seen), new RegExp(context.token));
});

main('a body streams through an http handler unchanged', async (context) => {
  const body = new Uint8Array(300_000).map((_, i) => i % 251);
  const response = await ask(context, '/f/echo-http/echo', { method: 'POST', body });
  assert.is(response.status, 200);
  assert.is(Buffer.compare(new Uint8Array(await response.arrayBuffer()), body), 0);
});

main('a function that fails, loops or sets cookies is told, ended and kept from it', async (context) => {
  assert.equal(await problem(await ask(context, '/f/echo-http/throw')), [502, 'guest-trapped']);
  const looping = await ask(context, '/f/echo-http/spin', { headers: { 'cloudlet-deadline-ms': '500' } });
  assert.equal(await problem(looping), [504, 'deadline-exceeded']);
  const { headers, body } = await ask(context, '/f/echo-http/headers');
  await body?.cancel();
  assert.equal([headers.get('x-test'), headers.get('set-cookie')], ['yes', null]);
});

for (const method of ['GET', 'HEAD']) {
  main(`fields whose names mean something to JavaScript reach caller and function (${method})`, async (context) => {
    const rawFields = async (path: string) => {
      const asking = request(`${context.serving.url}/f/echo-http${path}`, {
        method,
        headers: [
          'authorization',
          `Bearer ${context.token}`,
          '__proto__',
          'a',
          'constructor',
          'b',
          'host',
          'localhost',
        ],
      });
      asking.end();
      const [response] = (await once(asking, 'response')) as [IncomingMessage];
      const text = Buffer.concat(await response.toArray()).toString();
      return { text, fields: pairs(response.rawHeaders) };
    };
    const { fields } = await rawFields('/headers');
    assert.equal(fields.filter(([name]) => /^(?:__proto__|constructor)$/.test(name)).sort(), [
      ['__proto__', 'kept'],
      ['constructor', 'kept'],
    ]);
    if (method === 'HEAD') return;
    const { headers } = JSON.parse((await rawFields('/request')).text) as { headers: [string, string][] };
    assert.equal(
      headers.filter(([name]) => /^(?:__proto__|constructor)$/.test(name)),
      [
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ],
    );
  });
}

const pairs = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at]!, raw[2 * at + 1]!]);

main('a caller who leaves ends the invocation', async (context) => {
  const ended = Promise.withResolvers<string>();
  const left = new AbortController();
  let id = '';
  const unsubscribe = context.serving.cloudlet.subscribe((event) => {
    if (event.kind !== 'invocation') return;
    const { outcome } = event.invocation;
    if (outcome === 'running' && id === '') {
      id = event.invocation.id;
      left.abort();
    } else if (outcome !== 'running' && event.invocation.id === id) ended.resolve(outcome);
  });
  const request = ask(context, '/f/echo-http/spin', { signal: left.signal }).then(
    () => 'answered',
    () => 'left',
  );
  assert.equal([await request, await ended.promise], ['left', 'client-closed']);
  unsubscribe();
});

main('a typed export is called in JSON, and wrong shapes are refused with their path', async (context) => {
  assert.is((await publish(context, 'typed')).status, 201);
  const call = async (name: string, args: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json' };
    return await ask(context, `/v1/functions/typed/call/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers,
      body: args,
    });
  };
  assert.is(await (await call('add', '[40, 2]')).json(), 42);
  assert.is(await (await call('shapes.u64-back', '["18446744073709551615"]')).json(), '18446744073709551615');
  assert.equal(await (await call('shapes.divide', '[1, 0]')).json(), { err: 'division by zero' });
  const wrong = (await (await call('add', '[40, "2"]')).json()) as Problem;
  assert.is(wrong.code, 'argument-invalid');
  assert.match(wrong.detail, /\$\[1\]: expected s32, got "2"/);
  assert.equal(await problem(await call('no-such-export', '[]')), [404, 'export-unknown']);
});

main('a door that a component does not have is named', async (context) => {
  assert.equal(await problem(await ask(context, '/f/cat/')), [409, 'door-mismatch']);
  assert.equal(await problem(await ask(context, '/v1/functions/echo-http/run', { method: 'POST' })), [
    409,
    'door-mismatch',
  ]);
});

const NOT_COMPONENTS: readonly [what: string, body: string | Uint8Array<ArrayBuffer>][] = [
  ['text', 'not WebAssembly'],
  ['nothing', new Uint8Array()],
  ['a header alone', new Uint8Array([0, 97, 115, 109])],
];
for (const [what, body] of NOT_COMPONENTS) {
  main(`${what} cannot be published, and leaves nothing behind`, async (context) => {
    const response = await ask(context, '/v1/functions/bad', {
      method: 'PUT',
      headers: { 'content-type': 'application/wasm' },
      body,
    });
    assert.equal(await problem(response), [422, 'component-refused']);
    assert.equal(await problem(await ask(context, '/v1/functions/bad')), [404, 'function-unknown']);
  });
}

main('a publish that is watched ends ready', async (context) => {
  const body = await readFile(await guest('cat'));
  const headers = { 'content-type': 'application/wasm', prefer: 'respond-async' };
  const accepted = await ask(context, '/v1/functions/watched', { method: 'PUT', headers, body });
  assert.is(accepted.status, 202);
  const events = await (await ask(context, `${accepted.headers.get('location')}/events`)).text();
  assert.match(events, /event: state\ndata: .*"state":"ready".*\n\n$/);
  assert.is(events.match(/"state":"(ready|failed)"/g)?.length, 1);
});

main('its metrics count what was invoked', async (context) => {
  const text = await (await ask(context, '/metrics')).text();
  const readme = await readFile(new URL('../../host/README.md', import.meta.url), 'utf8');
  for (const [, figure, kind] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    assert.ok(readme.includes(`| \`${figure}\` | ${kind} |`), `${figure} is in the README`);
  assert.match(text, /^cloudlet_invocations_total\{door="run",outcome="ok"\} [1-9]/m);
  assert.match(text, /^cloudlet_invocations_total\{door="http",outcome="ok"\} [1-9]/m);
  assert.match(text, /^cloudlet_sandboxes_started_total\{via="[\w-]+"\} [1-9]/m);
});

main('a removed function is gone', async (context) => {
  assert.is((await ask(context, '/v1/functions/watched', { method: 'DELETE' })).status, 204);
  assert.equal(await problem(await ask(context, '/v1/functions/watched/run', { method: 'POST' })), [
    404,
    'function-unknown',
  ]);
});

main('a stranger starts nothing', async (context) => {
  const before = await (await ask(context, '/v1/invocations')).text();
  const url = `${context.serving.url}/v1/functions/cat/run`;
  const statuses = [
    await fetch(url, { method: 'POST' }),
    await fetch(url, { method: 'POST', headers: { authorization: 'Bearer wrong' } }),
    await ask(context, '/v1/functions/cat/run', { method: 'POST', headers: { origin: 'http://evil.example' } }),
  ].map(({ status }) => status);
  assert.equal(statuses, [401, 401, 403]);
  assert.is(await (await ask(context, '/v1/invocations')).text(), before);
});

main('a data directory in use is told in one sentence, and the port is free again', async (context) => {
  const error = await failure(
    serve(configIn(context.folder), {
      say: () => {},
      handleSignals: false,
      journal: createJournal({ write: () => {} }),
    }),
  );
  assert.is(error.code, 'conflict');
  assert.not.match(error.message, /\n/);
  assert.is((await ask(context, '/v1/status')).status, 200, 'the first host serves on');
});

main('a port in use is told in one sentence, and nothing is made', async ({ folder }) => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const elsewhere = join(folder, 'elsewhere');
  const error = await failure(serve(configIn(elsewhere, port), { handleSignals: false }));
  assert.is(error.code, 'conflict');
  assert.match(error.message, new RegExp(`port ${port} .*--port`));
  assert.is(await readOwnerToken(join(elsewhere, 'data')), null);
  other.close();
});

main('SIGTERM ends it well, with nothing left running', async ({ folder }) => {
  const program = `
    import { hostConfig } from './host/config.ts';
    import { serve } from './host/main.ts';
    const flags = { port: 0, sandbox: 'process', data: process.argv[1] + '/data', cache: process.argv[1] + '/cache' };
    const serving = await serve(hostConfig(flags, { environment: {}, home: '/', isRoot: false }));
    await serving.closed;
  `;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, join(folder, 'signalled')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve([code, signal])));
  const first = (await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended])) as Buffer;
  assert.match(first.toString(), /^Cloudlet serves at/);
  child.kill('SIGTERM');
  assert.equal(await ended, [0, null]);
});

async function failure(promise: Promise<unknown>): Promise<CloudletError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CloudletError)) throw new Error(`expected a CloudletError, got ${String(error)}`);
  return error;
}

main.run();

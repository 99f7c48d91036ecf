import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Published } from '../../../guest-sdk/protocol/index.ts';
import { FunctionLog } from '../../../runtime/function/function-log.ts';
import { DEFAULT_LIMITS } from '../../../runtime/index.ts';
import { AS_OWNER, chunks, testHost } from '../memory-engine.ts';

const functions = suite('routes of functions');
const WASM = { ...AS_OWNER, 'content-type': 'application/wasm' };

functions('a publish is 201 with its address, the same again 200', async () => {
  const { app } = testHost();
  const put = async (body: string): Promise<Response> =>
    await app.request('/v1/functions/photo', { method: 'PUT', headers: WASM, body });
  const first = await put('one');
  assert.equal([first.status, first.headers.get('location')], [201, '/v1/functions/photo']);
  assert.is(((await first.json()) as Published).sizeBytes, 3);
  assert.is((await put('one')).status, 200);
  assert.is((await put('two')).status, 201);
});

functions('Prefer: respond-async is answered with a deployment to watch', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/functions/photo', {
    method: 'PUT',
    headers: { ...WASM, prefer: 'wait=5, respond-async' },
    body: 'one',
  });
  assert.equal(
    [response.status, response.headers.get('location'), response.headers.get('preference-applied')],
    [202, '/v1/deployments/d1', 'respond-async'],
  );
  assert.is(((await response.json()) as { id: string }).id, 'd1');
});

functions('what the sender says about its body reaches the engine', async () => {
  const { app, engine } = testHost();
  const publish = engine.publish.bind(engine);
  let given: unknown;
  engine.publish = async (name, body, options) => {
    given = { digest: options?.digest, contentLength: options?.contentLength };
    return await publish(name, body, options);
  };
  const sha = createHash('sha256').update('one').digest();
  const headers = {
    ...WASM,
    'content-digest': `sha-512=:x:, sha-256=:${sha.toString('base64')}:`,
    'content-length': '3',
  };
  assert.is((await app.request('/v1/functions/photo', { method: 'PUT', headers, body: 'one' })).status, 201);
  assert.equal(given, { digest: `sha256:${sha.toString('hex')}`, contentLength: 3 });
});

functions('a chunked body over the limit is refused at the byte too many', async () => {
  const { app } = testHost({ limits: { ...DEFAULT_LIMITS, componentBytes: 10 } });
  let asked = 0;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      asked += 1;
      yield Buffer.from('1234');
    }
  };
  const response = await app.request('/v1/functions/photo', {
    method: 'PUT',
    headers: WASM,
    body: streamOf(endless()),
    duplex: 'half',
  } as RequestInit);
  assert.is(response.status, 413);
  assert.ok(asked < 10, `asked for ${asked} chunks`);
});

functions('list, one, rollback and remove call the engine', async () => {
  const { app, engine } = testHost();
  const ask = async (method: string, path: string, body?: string): Promise<Response> =>
    await app.request(path, {
      method,
      headers: { ...AS_OWNER, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  const { functions: all } = (await (await ask('GET', '/v1/functions')).json()) as { functions: { name: string }[] };
  assert.equal(
    all.map(({ name }) => name),
    ['hello'],
  );
  assert.is(((await (await ask('GET', '/v1/functions/hello')).json()) as { name: string }).name, 'hello');
  assert.is((await ask('POST', '/v1/functions/hello/rollback')).status, 200);
  assert.is((await ask('POST', '/v1/functions/hello/rollback', '{"version":3}')).status, 200);
  assert.is((await ask('DELETE', '/v1/functions/hello')).status, 204);
  assert.is((await ask('DELETE', '/v1/functions/hello')).status, 404);
  assert.equal(engine.started, ['rollback hello previous', 'rollback hello 3', 'remove hello']);
});

functions('a component comes back with its length and digest', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/functions/hello/component', { headers: AS_OWNER });
  assert.equal(
    [response.headers.get('content-type'), response.headers.get('content-length')],
    ['application/wasm', '4'],
  );
  assert.match(response.headers.get('etag')!, /^"sha256:0{64}"$/);
  assert.equal(new Uint8Array(await response.arrayBuffer()), new Uint8Array([0, 97, 115, 109]));
  assert.is((await app.request('/v1/functions/hello/component?version=x', { headers: AS_OWNER })).status, 400);
});

functions('a component is not sent to who has it', async () => {
  const { app } = testHost();
  const tag = `"sha256:${'0'.repeat(64)}"`;
  for (const [condition, status, bytes] of [
    [tag, 304, 0],
    [`"sha256:${'1'.repeat(64)}", W/${tag}`, 304, 0],
    [`"sha256:${'1'.repeat(64)}"`, 200, 4],
  ] as const) {
    const headers = { ...AS_OWNER, 'if-none-match': condition };
    const response = await app.request('/v1/functions/hello/component', { headers });
    assert.equal([response.status, (await response.arrayBuffer()).byteLength], [status, bytes], condition);
    assert.is(response.headers.get('etag'), tag);
  }
});

functions('a component that is shorter than promised is not taken for whole', async () => {
  const { app, engine } = testHost();
  const component = engine.component.bind(engine);
  engine.component = async (name) => ({ ...(await component(name)), sizeBytes: 9, bytes: chunks('short') });
  const response = await app.request('/v1/functions/hello/component', { headers: AS_OWNER });
  await assertRejects(response.arrayBuffer());
});

functions('a log comes as events, kept lines first, and can end with them', async () => {
  const { app } = testHost();
  const response = await app.request('/v1/functions/hello/logs?follow=false', { headers: AS_OWNER });
  assert.is(response.headers.get('content-type'), 'text/event-stream');
  const line = {
    seq: 7,
    at: '2026-11-22T00:00:00Z',
    version: 1,
    invocation: 'i1',
    stream: 'stdout',
    text: 'first\nline',
  };
  assert.is(await response.text(), `: open\n\nid: 7\nevent: line\ndata: ${JSON.stringify(line)}\n\n`);
});

functions('a log goes on after the event that was seen last', async () => {
  const { app } = testHost();
  const ask = async (last: string): Promise<Response> =>
    await app.request('/v1/functions/hello/logs?follow=false', { headers: { ...AS_OWNER, 'last-event-id': last } });
  assert.match(await (await ask('6')).text(), /^id: 7$/m);
  assert.is(await (await ask('7')).text(), ': open\n\n');
  for (const bad of ['-1', 'seven', '9'.repeat(17)]) {
    const response = await ask(bad);
    assert.equal([response.status, ((await response.json()) as { code: string }).code], [400, 'request-invalid'], bad);
  }
});

functions('a follower who is too slow gets a last line that says so, and costs no more than is kept', async () => {
  const { app, engine } = testHost();
  const log = new FunctionLog({ limitBytes: 10_000, store: { load: () => [], append: () => {} } });
  engine.logs = (_name, options) => log.read(options) as ReturnType<typeof engine.logs>;
  const line = (text: string) => ({ version: 1, invocation: 'i', stream: 'stderr', text }) as const;
  log.add(line('first'));
  const response = await app.request('/v1/functions/hello/logs', { headers: AS_OWNER });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('first')) text += (await reader.read()).value;
  for (let i = 0; i < 10_000; i += 1) log.add(line(`${i}`.padEnd(300, '.')));
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  assert.match(text, /too slow: \d+ lines are kept no more.*\n\n$/);
  assert.ok(text.length < 2000, `${text.length} characters`);
  log.close();
});

functions('a followed log ends when the host drains', async () => {
  const { app, drain } = testHost();
  const response = await app.request('/v1/functions/hello/logs', { headers: AS_OWNER });
  setImmediate(drain);
  assert.match(await response.text(), /event: line/);
});

functions("a deployment's events end after its last state, and a browser is told not to come back", async () => {
  const { app } = testHost();
  const ask = async (headers: Record<string, string> = {}): Promise<Response> =>
    await app.request('/v1/deployments/d1/events', { headers: { ...AS_OWNER, ...headers } });
  const text = await (await ask()).text();
  assert.equal(
    [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
    ['1', '2'],
  );
  assert.is((await ask({ 'last-event-id': '1' })).status, 200);
  assert.is((await ask({ 'last-event-id': '2' })).status, 204);
});

functions('asking for the head of events listens to nothing', async () => {
  const { app, engine } = testHost();
  const response = await app.request('/v1/events', { method: 'HEAD', headers: AS_OWNER });
  assert.equal([response.headers.get('content-type'), engine.listeners], ['text/event-stream', 0]);
});

functions('the page hears what changes, until it leaves or the host drains', async () => {
  const { app, engine, drain } = testHost();
  const reader = (await app.request('/v1/events', { headers: AS_OWNER })).body!.getReader();
  const next = async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString();
  assert.is(await next(), ': open\n\n');
  engine.tell({ kind: 'functions' });
  assert.is(await next(), 'event: functions\ndata: {}\n\n');
  drain();
  assert.is(await next(), '');
  assert.is(engine.listeners, 0);
});

function streamOf(source: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue((await source.next()).value);
    },
  });
}

async function assertRejects(promise: Promise<unknown>): Promise<void> {
  let rejected = false;
  await promise.catch(() => {
    rejected = true;
  });
  assert.ok(rejected, 'expected the body to fail');
}

functions.run();

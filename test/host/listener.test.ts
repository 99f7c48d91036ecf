// time limit: 120 s
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../host/listener.ts';
import { directDoor } from '../../host/routes/direct-door.ts';
import type { HeaderPair } from '../../runtime/index.ts';
import { AS_OWNER, chunks, type Guest, type MemoryEngine, TOKEN, testHost } from './memory-engine.ts';

interface Running {
  readonly engine: MemoryEngine;
  readonly url: string;
  readonly port: number;
  readonly listener: Listener;
  readonly drain: () => void;
}

const sockets = suite<{ open: Running[] }>('the listener', { open: [] });
sockets.after.each(async (context) => {
  for (const { listener } of context.open.splice(0)) await listener.close(0);
});

async function start(context: { open: Running[] }, guest?: Guest, headersTimeoutMs?: number): Promise<Running> {
  const { app, engine, drain, parts } = testHost();
  if (guest !== undefined) engine.guest = guest;
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection), {
    ...(headersTimeoutMs === undefined ? {} : { headersTimeoutMs }),
    door: directDoor(parts),
  });
  const running = { engine, listener, drain, port: listener.port, url: `http://127.0.0.1:${listener.port}` };
  context.open.push(running);
  return running;
}

const head = (...headers: [string, string][]): { status: number; headers: HeaderPair[] } => ({
  status: 200,
  headers: headers.map(([name, value]) => [name, Buffer.from(value)]),
});
const HEAD = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;

/** Sends raw bytes and gives all that comes back until the other side closes. */
async function raw(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  for (const part of parts) socket.write(part);
  return await untilClosed(socket);
}

async function untilClosed(socket: Socket): Promise<string> {
  const got: Buffer[] = [];
  socket.on('data', (data) => got.push(data));
  socket.on('error', () => {
    // A broken connection is what some of these tests ask for; `close` follows.
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return Buffer.concat(got).toString('latin1');
}

sockets('a request without a body has ended when it comes, one with a body has not', async (context) => {
  const { listener, port } = await start(context);
  const ended: [string, boolean][] = [];
  listener.use(() => new Response(), {
    answer: (incoming, outgoing) => {
      ended.push([incoming.method!, incoming.readableEnded]);
      outgoing.end();
    },
  });
  await raw(
    port,
    `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 1\r\n\r\nx`,
  );
  assert.equal(ended, [
    ['GET', true],
    ['POST', false],
  ]);
});

sockets('a busy port is told in one sentence', async (context) => {
  const { port } = await start(context);
  const error = await listen('127.0.0.1', port, () => new Response()).then(
    () => null,
    (thrown: unknown) => thrown as CloudletError,
  );
  assert.is(error?.code, 'conflict');
  assert.match(error!.message, new RegExp(`port ${port} of 127\\.0\\.0\\.1 to be free.*--port`));
});

sockets('a foreign address is told in one sentence', async () => {
  const error = await listen('203.0.113.7', 0, () => new Response()).then(
    () => null,
    (thrown: unknown) => thrown as CloudletError,
  );
  assert.match(error!.message, /203\.0\.113\.7 to be an address of this machine/);
});

const BROKEN: readonly [what: string, bytes: string, status: number, code: string][] = [
  ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\x01\r\n\r\n', 400, 'request-invalid'],
  ['a header of 40 KiB', `GET / HTTP/1.1\r\n${HEAD}X: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ['32,769 header fields', `GET / HTTP/1.1\r\n${HEAD}${'a:\r\n'.repeat(32_769)}\r\n`, 431, 'headers-too-large'],
  [
    'two lengths',
    `POST /v1/session HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    400,
    'request-invalid',
  ],
  [
    'a length and chunks',
    `POST /v1/session HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'request-invalid',
  ],
  ['a Host that is no host', `GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n`, 400, 'request-invalid'],
  ['a rebound Host', 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403, 'forbidden'],
  [
    'a target of another host',
    `GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    403,
    'forbidden',
  ],
  [
    'a target of another host that is asked by one with our name',
    `GET http://localhost@evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    403,
    'forbidden',
  ],
  [
    'a target of another host behind a backslash',
    `GET http://evil.example\\@localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    400,
    'request-invalid',
  ],
  [
    'a target that is none',
    `OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    400,
    'request-invalid',
  ],
];
for (const [what, bytes, status, code] of BROKEN) {
  sockets(`${what} is answered with ${status} and a problem document`, async (context) => {
    const { port } = await start(context);
    const answer = await raw(port, bytes);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, /content-type: application\/problem\+json/i);
    assert.match(answer, new RegExp(`"code":"${code}"`));
  });
}

sockets('header fields are all told, however many', async (context) => {
  let told = 0;
  const { port } = await start(context, async (request) => {
    if (request.door === 'http') told = request.headers.filter(([name]) => name === 'a').length;
    return { head: head(), output: chunks() };
  });
  await raw(port, `GET /f/hello HTTP/1.1\r\nConnection: close\r\n${HEAD}${'a: 1\r\n'.repeat(2500)}\r\n`);
  assert.is(told, 2500);
});

sockets('headers that come byte by byte are given up on', async (context) => {
  const { port } = await start(context, undefined, 50);
  assert.match(await raw(port, 'GET /healthz HTTP/1.1\r\nHo'), /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
});

sockets('a connection on which nothing comes is given up on', async (context) => {
  const { port } = await start(context, undefined, 50);
  assert.match(await raw(port), /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
});

sockets('closing waits for a request that Node has not read', async (context) => {
  const { promise: end, resolve: letEnd } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { port, listener } = await start(context, async () => {
    begin();
    await end;
    return { head: head(), output: chunks('done'), whole: Buffer.from('done') };
  });
  const answer = raw(port, `GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
  await begun;
  const closed = listener.close(60_000);
  letEnd();
  await closed;
  assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\ndone$/);
});

sockets('a body that ends early is told so, and nothing is published', async (context) => {
  const { port, engine } = await start(context);
  const socket = connect(port, '127.0.0.1');
  socket.end(
    `PUT /v1/functions/photo HTTP/1.1\r\n${HEAD}Content-Type: application/wasm\r\nContent-Length: 100\r\n\r\nonly this`,
  );
  assert.match(await untilClosed(socket), /^HTTP\/1\.1 400 [\s\S]*"code":"body-truncated"/);
  assert.not.ok(engine.bodies.has('photo'));
});

for (const [what, headers] of [
  ['of a declared length', 'Content-Length: 1000000'],
  ['in chunks', 'Transfer-Encoding: chunked'],
] as const) {
  sockets(`a body ${what} that never comes holds no connection once its request is answered`, async (context) => {
    const { port } = await start(context);
    const answer = await raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok\n$/);
  });
}

sockets('bytes that are no HTTP, sent ahead, put nothing into an answer that has begun', async (context) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: end, resolve: letEnd } = Promise.withResolvers<void>();
  const { port } = await start(context, async ({ door }) => {
    const output = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('the first bytes');
      await end;
      yield Buffer.from(', the last bytes');
    };
    if (door === 'http') return { head: head(['content-length', '31']), output: output() };
    begin();
    await end;
    return { output: chunks() };
  });
  const socket = connect(port, '127.0.0.1');
  const answer = untilClosed(socket);
  socket.write(`GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
  await once(socket, 'data');
  socket.write(`POST /v1/functions/hello/run HTTP/1.1\r\n${HEAD}Content-Length: 0\r\n\r\n`);
  await begun;
  socket.write('\x16\x03\x01 no HTTP\r\n\r\n');
  letEnd();
  const [first, second, third] = (await answer).split('HTTP/1.1 ').slice(1);
  assert.match(first!, /^200 [\s\S]*\r\n\r\nthe first bytes, the last bytes$/);
  assert.match(second!, /^200 /);
  assert.match(third!, /^400 [\s\S]*"code":"request-invalid"/);
});

sockets('a declared length over the limit is answered before the body came', async (context) => {
  const { port, engine } = await start(context);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `PUT /v1/functions/photo HTTP/1.1\r\n${HEAD}Content-Type: application/wasm\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n`,
  );
  const [first] = (await once(socket, 'data')) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1\.1 413 [\s\S]*"code":"body-too-large"/);
  assert.equal(engine.bodies.has('photo'), false);
  socket.destroy();
});

sockets('both directions stream at once', async (context) => {
  const { port } = await start(context, async (_request, input) => ({ head: head(), output: input }));
  const { answer, body } = await post(port, '/f/hello/echo');
  body.write('one');
  const response = await answer;
  const reader = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (const word of ['one', 'two', 'three']) {
    assert.is((await reader.next()).value?.toString(), word);
    body.write(word === 'one' ? 'two' : 'three');
  }
  body.end();
  assert.is((await reader.next()).value?.toString(), 'three');
  assert.is((await reader.next()).done, true);
  assert.match(response.trailers['server-timing'] ?? '', /run;dur=3.25$/);
});

sockets("a component's trailers come after its body", async (context) => {
  const trailers: HeaderPair[] = [
    ['x-checksum', Buffer.from('abc')],
    ['set-cookie', Buffer.from('a=b')],
  ];
  const { port } = await start(context, async () => ({ head: head(), output: chunks('body'), end: { trailers } }));
  const response = await get(port, '/f/hello');
  for await (const _ of response);
  assert.is(response.trailers['x-checksum'], 'abc');
  assert.is(response.trailers['set-cookie'], undefined);
});

for (const [what, size, te] of [
  ['long output', 100_000, {}],
  ['output as it comes', 10, { te: 'trailers' }],
] as const) {
  sockets(`${what} has the exit status in its trailer`, async (context) => {
    const { port } = await start(context, async () => ({ output: chunks(new Uint8Array(size)), end: { exitCode: 7 } }));
    const { answer, body } = await post(port, '/v1/functions/hello/run', te);
    body.end();
    const response = await answer;
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    assert.equal(
      [response.headers['trailer'], bytes, response.trailers['cloudlet-exit-code']],
      ['Cloudlet-Exit-Code, Server-Timing', size, '7'],
    );
  });
}

sockets('HTTP/1.0 gets its answer without chunks and trailers', async (context) => {
  const { port } = await start(context, async () => ({ head: head(), output: chunks('plain') }));
  const answer = await raw(port, `GET /f/hello HTTP/1.0\r\n${HEAD}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nplain$/);
  assert.not.match(answer, /transfer-encoding|trailer/i);
});

const FAILURES: readonly [what: string, headers: [string, string][], output: () => AsyncIterable<Uint8Array>][] = [
  ['fails half-way', [], failing],
  ['fails before the length it declared', [['content-length', '100']], failing],
  ['ends before the length it declared', [['content-length', '100']], () => chunks('half')],
  ['sends more than it declared', [['content-length', '2']], () => chunks('half', 'HTTP/1.1 200 OK\r\n\r\n')],
];
for (const [what, headers, output] of FAILURES) {
  sockets(`a function that ${what} breaks the connection`, async (context) => {
    const { port } = await start(context, async () => ({ head: head(...headers), output: output() }));
    const answer = await raw(port, `GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200/);
    assert.not.match(answer, /\r\n0\r\n\r\n$/, 'no clean end');
    assert.ok(answer.split('\r\n\r\n')[1]!.length <= 'half'.length + 'chunk sizes'.length, 'nothing after the failure');
    assert.is(answer.split('HTTP/1.1').length, 2, 'one answer');
  });
}

sockets('a function that reads nothing of a megabyte still gets its answer through', async (context) => {
  const { url } = await start(context, async () => ({ head: head(['content-length', '4']), output: chunks('done') }));
  const response = await fetch(`${url}/f/hello`, {
    method: 'POST',
    headers: AS_OWNER,
    body: new Uint8Array(1024 * 1024),
  });
  assert.equal([response.status, await response.text()], [200, 'done']);
  assert.is((await fetch(`${url}/healthz`)).status, 200);
});

sockets('a caller that leaves while the function thinks cancels it', async (context) => {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { port } = await start(context, (_request, _input, signal) => {
    begin();
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        resolve();
        reject(new CloudletError('client-closed', 'the caller left'));
      });
    });
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
  await begun;
  socket.destroy();
  await cancelled;
});

sockets('a caller that leaves in mid-download cancels the function', async (context) => {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const { port } = await start(context, async () => ({
    head: head(),
    output: (async function* () {
      try {
        for (;;) yield new Uint8Array(65_536);
      } finally {
        resolve();
      }
    })(),
  }));
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
  await once(socket, 'data');
  socket.destroy();
  await cancelled;
});

sockets('a caller that leaves in mid-upload is told to the function as a truncated body', async (context) => {
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { port } = await start(context, async (_request, input) => {
    try {
      for await (const chunk of input) if (chunk.length > 0) begin();
    } catch (error) {
      resolve(error);
      throw error;
    }
    return { head: head(), output: chunks() };
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST /f/hello HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\nhalf`);
  await begun;
  socket.destroy();
  assert.is(((await told) as CloudletError).code, 'body-truncated');
});

sockets('a slow reader slows the function', async (context) => {
  let produced = 0;
  const { port } = await start(context, async () => ({
    head: head(),
    output: (async function* () {
      for (; produced < 2000; produced++) yield new Uint8Array(65_536);
    })(),
  }));
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /f/hello HTTP/1.1\r\n${HEAD}\r\n`);
  await once(socket, 'data');
  socket.pause();
  const settled = await settledValue(() => produced);
  assert.ok(settled < 400, `${settled} chunks of 64 KiB for a reader that reads nothing`);
  socket.destroy();
});

sockets('a function that reads slowly slows the sender', async (context) => {
  const { promise: end, resolve: letEnd } = Promise.withResolvers<void>();
  const { port } = await start(context, async () => {
    await end;
    return { head: head(), output: chunks() };
  });
  const { body } = await post(port, '/f/hello');
  let sent = 0;
  const fill = (): void => {
    while (body.write(new Uint8Array(65_536))) sent += 1;
  };
  body.on('drain', fill);
  body.on('error', () => {
    // The listener is closed under it at the end of the test.
  });
  fill();
  const settled = await settledValue(() => sent);
  assert.ok(settled < 400, `${settled} chunks of 64 KiB for a function that reads nothing`);
  letEnd();
  body.destroy();
});

sockets('closing waits for the running, refuses the new and then closes', async (context) => {
  const { promise: end, resolve: letEnd } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { url, listener, drain } = await start(context, async () => {
    begin();
    await end;
    return { head: head(), output: chunks('done') };
  });
  const running = fetch(`${url}/f/hello`, { headers: AS_OWNER });
  await begun;
  drain();
  const closed = listener.close(60_000);
  assert.equal(
    [(await fetch(`${url}/readyz`)).status, (await fetch(`${url}/f/hello`, { headers: AS_OWNER })).status],
    [503, 503],
  );
  letEnd();
  assert.is(await (await running).text(), 'done');
  await closed;
  await assertFails(fetch(`${url}/healthz`));
});

sockets('closing does not wait for ever', async (context) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { url, listener } = await start(context, async () => {
    begin();
    return await new Promise(() => {});
  });
  const running = fetch(`${url}/f/hello`, { headers: AS_OWNER });
  await begun;
  await Promise.all([listener.close(10), assertFails(running)]);
});

sockets('bytes of open and closed connections are counted', async (context) => {
  const { url, listener } = await start(context);
  await (await fetch(`${url}/healthz`)).text();
  const { receivedBytes, sentBytes } = listener.traffic();
  assert.ok(receivedBytes > 50 && sentBytes > 50, `${receivedBytes} ${sentBytes}`);
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half');
  throw new CloudletError('guest-trapped', 'the function trapped');
}

/** The value once it has stayed the same for twenty looks in a row. */
async function settledValue(look: () => number): Promise<number> {
  let value = look();
  for (let same = 0; same < 20; same++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (look() !== value) same = 0;
    value = look();
  }
  return value;
}

function once(socket: Socket, event: 'data'): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...values: unknown[]) => resolve(values)));
}

async function assertFails(promise: Promise<unknown>): Promise<void> {
  assert.ok(
    await promise.then(
      () => false,
      () => true,
    ),
    'expected a failure',
  );
}

async function post(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ answer: Promise<IncomingMessage>; body: ReturnType<typeof httpRequest> }> {
  const body = httpRequest({ port, path, method: 'POST', host: '127.0.0.1', headers: { ...AS_OWNER, ...headers } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => body.on('response', resolve).on('error', reject));
  answer.catch(() => {
    // Read by the tests that need it.
  });
  return { answer, body };
}

async function get(port: number, path: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    httpRequest({ port, path, host: '127.0.0.1', headers: AS_OWNER }).on('response', resolve).on('error', reject).end();
  });
}

sockets.run();

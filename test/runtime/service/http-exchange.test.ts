import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { Server } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { exchange, type ServiceRequest } from '../../../runtime/service/http-exchange.ts';
import { VmConnections } from '../../../runtime/service/vm-connections.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeVm, rawServer, serveLocally } from '../../support/fake-vm.ts';

const exchanges = suite('an exchange with a server in a VM');
const closers: (() => unknown)[] = [];
exchanges.after.each(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function into(server: Server, limit = 8): Promise<{ connections: VmConnections; clock: FakeClock; vm: FakeVm }> {
  const local = await serveLocally(server);
  const vm = new FakeVm('v', new Map([[80, local.port]]));
  const clock = new FakeClock();
  const connect = (signal?: AbortSignal) => vm.relay.connect(80, signal);
  const connections = new VmConnections({ connect, limit, clock, quietMs: 1000 });
  closers.push(
    () => local.close(),
    () => vm.close(),
    () => connections.close(),
  );
  return { connections, clock, vm };
}

const http = (handle: RequestListener) => createServer({ keepAliveTimeout: 60_000 }, handle);
const ask = (changes: Partial<ServiceRequest> = {}) => ({
  ...{ method: 'GET', path: '/', headers: [], body: null, host: 'localhost:80' },
  ...changes,
});

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof CloudletError ? error.code : String((error as Error).stack)),
  );
}

async function* bytes(...all: string[]): AsyncGenerator<Uint8Array> {
  for (const one of all) yield Buffer.from(one);
}

exchanges('gives status, fields and body; the server sees its own host and no connection of the caller', async () => {
  const { connections } = await into(
    http((incoming, outgoing) => {
      outgoing.writeHead(207, ['X-Two', '1', 'X-Two', '2', 'X-Latin', 'é']);
      outgoing.end(JSON.stringify(incoming.rawHeaders));
    }),
  );
  const { status, headers, body, tunnel } = await exchange(
    connections,
    ask({
      path: '/a%20b?c',
      headers: [
        ['x-latin', Buffer.from('ü', 'latin1')],
        ['host', Buffer.from('evil')],
      ],
    }),
  );
  assert.equal([status, tunnel], [207, null]);
  const values = (name: string) =>
    headers.filter(([each]) => each === name).map(([, value]) => Buffer.from(value).toString('latin1'));
  assert.equal([values('x-two'), values('x-latin')], [['1', '2'], ['é']]);
  assert.equal(JSON.parse(await text(body)), ['host', 'localhost:80', 'x-latin', 'ü', 'connection', 'keep-alive']);
});

for (const [what, request, framing] of [
  ['of a known length', { method: 'POST', body: bytes('ab', 'c'), contentLength: 3 }, ['3', undefined]],
  ['of an unknown length', { method: 'POST', body: bytes('ab', 'c') }, [undefined, 'chunked']],
  ['of a GET', { method: 'GET', body: bytes('ab', 'c') }, [undefined, 'chunked']],
] as const) {
  exchanges(`sends a body ${what}`, async () => {
    const { connections } = await into(
      http(async (incoming, outgoing) => {
        const { headers } = incoming;
        outgoing.end(JSON.stringify([headers['content-length'], headers['transfer-encoding'], await text(incoming)]));
      }),
    );
    const { body } = await exchange(connections, ask(request));
    assert.equal(JSON.parse(await text(body)), [framing[0] ?? null, framing[1] ?? null, 'abc']);
  });
}

exchanges('streams both ways at once', async () => {
  const { connections } = await into(http((incoming, outgoing) => void incoming.pipe(outgoing)));
  const { promise: gate, resolve } = Promise.withResolvers<void>();
  async function* halves(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first');
    await gate;
    yield Buffer.from('second');
  }
  const { body } = await exchange(connections, ask({ method: 'POST', body: halves() }));
  const got: string[] = [];
  for await (const part of body) {
    got.push(String(part));
    resolve();
  }
  assert.equal(got, ['first', 'second']);
});

exchanges('keeps a connection for the next request, and not for long', async () => {
  let accepted = 0;
  const server = http((_, outgoing) => outgoing.end('x'));
  server.on('connection', () => {
    accepted += 1;
  });
  const { connections, clock } = await into(server);
  for (let at = 0; at < 3; at += 1) {
    const { body } = await exchange(connections, ask());
    await text(body);
    await new Promise(setImmediate);
  }
  assert.equal([accepted, connections.idle, connections.used], [1, 1, 1]);
  const { body } = await exchange(connections, ask({ method: 'DELETE' }));
  await text(body);
  assert.is(accepted, 2, 'what cannot be sent again gets a new one');
  clock.advance(5000);
  while (connections.used > 0) await new Promise(setImmediate);
  assert.is(connections.idle, 0);
});

exchanges('sends a request again when the kept connection was closed meanwhile', async () => {
  let served = 0;
  const { connections } = await into(
    rawServer((socket) =>
      socket.on('data', () => {
        served += 1;
        if (served === 2) return void socket.destroy();
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx');
      }),
    ),
  );
  await text((await exchange(connections, ask())).body);
  await new Promise(setImmediate);
  assert.is(await text((await exchange(connections, ask())).body), 'x');
  assert.is(served, 3);
});

exchanges('there are so many connections, and one that serves nobody makes room', async () => {
  const { connections } = await into(
    http((incoming, outgoing) => void (incoming.url === '/' && outgoing.end('x'))),
    2,
  );
  await text((await exchange(connections, ask())).body);
  const leaving = new AbortController();
  const hanging = [1, 2].map(() => code(exchange(connections, ask({ method: 'POST', path: '/hang' }), leaving.signal)));
  while (connections.used < 2 || connections.idle > 0) await new Promise(setImmediate);
  assert.is(await code(exchange(connections, ask({ method: 'PUT' }))), 'at-capacity');
  leaving.abort();
  assert.equal(await Promise.all(hanging), ['client-closed', 'client-closed']);
});

for (const [what, answer, expected] of [
  ['nothing', '', 'machine-failed'],
  ['half a head', 'HTTP/1.1 200 OK\r\nx:', 'machine-failed'],
  ['garbage', 'garbage\r\n\r\n', 'guest-response-invalid'],
  ['a long head', `HTTP/1.1 200 OK\r\n${`x: ${'a'.repeat(1000)}\r\n`.repeat(80)}\r\n`, 'guest-response-invalid'],
  ['another protocol', 'HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'guest-response-invalid'],
] as const) {
  exchanges(`a server that answers with ${what}: ${expected}`, async () => {
    const { connections } = await into(rawServer((socket) => socket.once('data', () => socket.end(answer))));
    assert.is(await code(exchange(connections, ask({ method: 'POST' }))), expected);
  });
}

exchanges('a body that breaks off is an error, not an end', async () => {
  const { connections } = await into(
    rawServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'))),
  );
  const { body } = await exchange(connections, ask());
  await text(body).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /aborted/),
  );
});

exchanges('an error of the body of the request is the error of the exchange', async () => {
  const { connections } = await into(http(() => {}));
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    throw new CloudletError('body-too-large', 'too much');
  }
  assert.is(await code(exchange(connections, ask({ method: 'POST', body: broken() }))), 'body-too-large');
  while (connections.used > 0) await new Promise(setImmediate);
});

exchanges('leaving the answer ends the connection', async () => {
  const { connections } = await into(http((_, outgoing) => void outgoing.write('first')));
  const { body, over } = await exchange(connections, ask());
  for await (const part of body) {
    assert.is(String(part), 'first');
    break;
  }
  await over;
  while (connections.used > 0) await new Promise(setImmediate);
});

exchanges('without a byte for too long ends with its reason, and gives its connection back', async () => {
  const { connections, clock } = await into(http(() => {}));
  for (const request of [ask(), ask({ method: 'POST', body: bytes('a') }), ask({ webSocket: true })]) {
    const hanging = code(exchange(connections, request));
    while (connections.used === 0) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    clock.advance(999);
    assert.is(connections.used, 1);
    clock.advance(1000);
    assert.is(await hanging, 'deadline-exceeded');
    while (connections.used > 0) await new Promise(setImmediate);
  }
});

exchanges('goes on as long as bytes pass, whichever way, and breaks off when they stop', async () => {
  const { connections, clock } = await into(
    http((incoming, outgoing) => {
      outgoing.flushHeaders();
      incoming.on('data', (chunk: Buffer) => outgoing.write(chunk));
    }),
  );
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const gate of gates) {
      await gate.promise;
      yield Buffer.from('x');
    }
    await new Promise(() => {});
  }
  const { body } = await exchange(connections, ask({ method: 'POST', body: slowly() }));
  const reader = body[Symbol.asyncIterator]();
  for (const gate of gates) {
    clock.advance(900);
    gate.resolve();
    assert.is(String((await reader.next()).value), 'x');
  }
  const rest = reader.next();
  clock.advance(1000);
  await rest.then(
    () => assert.unreachable(),
    (error: Error) => assert.ok(error),
  );
  while (connections.used > 0) await new Promise(setImmediate);
});

exchanges('a WebSocket may be quiet', async () => {
  const server = http(() => {});
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.on('data', (chunk: Uint8Array) => socket.write(chunk));
  });
  const { connections, clock } = await into(server);
  const { tunnel } = await exchange(connections, ask({ webSocket: true }));
  clock.advance(100_000);
  tunnel!.write('still here');
  assert.is(String(await new Promise<Buffer>((resolve) => tunnel!.once('data', resolve))), 'still here');
  tunnel!.destroy();
});

exchanges('agrees to a WebSocket, with what came right behind the head', async () => {
  const server = http(() => {});
  server.on('upgrade', ({ headers }, socket) => {
    const key = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${key.digest('base64')}\r\n\r\nhello`,
    );
    socket.on('data', (chunk: Uint8Array) => socket.write(chunk));
  });
  const { connections } = await into(server);
  const { status, tunnel, headers } = await exchange(
    connections,
    ask({ webSocket: true, headers: [['sec-websocket-key', Buffer.from('dGhlIHNhbXBsZSBub25jZQ==')]] }),
  );
  assert.is(status, 101);
  assert.ok(
    headers.some(
      ([name, value]) => name === 'sec-websocket-accept' && String(value) === 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ),
  );
  tunnel!.write(' there');
  let got = '';
  while (got !== 'hello there')
    got += String((await new Promise<Buffer>((resolve) => tunnel!.once('data', resolve))) ?? '');
  tunnel!.destroy();
});

exchanges('a WebSocket that the server does not want is an ordinary answer', async () => {
  const { connections } = await into(http((_, outgoing) => outgoing.writeHead(404).end('no')));
  const { status, tunnel, body } = await exchange(connections, ask({ webSocket: true }));
  assert.equal([status, tunnel, await text(body)], [404, null, 'no']);
});

exchanges.run();

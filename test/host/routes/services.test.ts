import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Problem, parseName, type ServiceInfo, type ServiceVmInfo } from '../../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../../host/listener.ts';
import { imageDigest, type LocalServer, serveLocally, serviceSpec } from '../../support/fake-vm.ts';
import { AS_OWNER, type MemoryEngine, testHost } from '../memory-engine.ts';

interface World {
  host: ReturnType<typeof testHost>;
  engine: MemoryEngine;
  listener: Listener;
  server: LocalServer;
}

const services = suite<World>('the routes of services');

const JSON_TYPE = { ...AS_OWNER, 'content-type': 'application/json' };
const NAME = parseName('web');

services.before.each(async (world) => {
  world.host = testHost();
  world.engine = world.host.engine;
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.on('upgrade', ({ headers, url }, socket) => {
    if (url === '/no') return void socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno');
    const head = [
      'connection: upgrade',
      'upgrade: websocket',
      `sec-websocket-accept: for ${headers['sec-websocket-key']}`,
      'set-cookie: a=b',
    ];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head.join('\r\n')}\r\n\r\nhello `);
    socket.on('data', (bytes: Uint8Array) => socket.write(`<${bytes}>`));
  });
  world.server = await serveLocally(server);
  world.engine.vms.ports.set(80, world.server.port);
  world.engine.services.put(NAME, imageDigest('a'), serviceSpec());
  world.listener = await listen('127.0.0.1', 0, (request, connection) => world.host.app.fetch(request, connection));
});
services.after.each(async ({ listener, engine, server }) => {
  await listener.close(0);
  await engine.services.close();
  await server.close();
});

/** What the server in the VM does. */
async function answer(incoming: IncomingMessage, outgoing: import('node:http').ServerResponse): Promise<void> {
  switch (incoming.url) {
    case '/echo':
      return void incoming.pipe(outgoing);
    case '/cookie':
      return void outgoing
        .writeHead(200, { 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'x-own': '1' })
        .end();
    case '/redirect':
      return void outgoing.writeHead(302, { location: '/elsewhere?x=1' }).end();
    case '/break':
      outgoing.writeHead(200, { 'content-length': '100' });
      outgoing.write('half');
      return void setTimeout(() => outgoing.destroy(), 20);
    case '/nothing':
      return void outgoing.writeHead(204).end();
    default:
      outgoing.setHeader('content-type', 'application/json');
      outgoing.end(JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers }));
  }
}

/** Asks over a real socket. */
function ask(
  { listener }: World,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const message = httpRequest({
      host: '127.0.0.1',
      port: listener.port,
      path,
      method,
      headers: { ...AS_OWNER, ...headers },
    });
    message.on('error', reject);
    message.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(parts).toString() }),
      );
    });
    message.end(body);
  });
}

services('list, show, start, renew, stop and remove', async ({ host }) => {
  const { app } = host;
  const post = (path: string, body?: object) =>
    app.request(`/v1/services/web/${path}`, {
      ...{ method: 'POST', headers: JSON_TYPE },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const list = async () =>
    ((await (await app.request('/v1/services', { headers: AS_OWNER })).json()) as { services: ServiceInfo[] }).services;
  assert.equal(
    (await list()).map(({ name, vms }) => [name, vms.length]),
    [['web', 0]],
  );
  const started = await post('start');
  assert.is(started.status, 200);
  assert.match(started.headers.get('server-timing')!, /^start;dur=[\d.]+;desc="cached"$/);
  const shared = (await started.json()) as ServiceVmInfo;
  assert.equal([shared.state, shared.mode, shared.users], ['ready', 'shared', 1]);
  const own = (await (await post('start', { mode: 'own', port: true })).json()) as ServiceVmInfo;
  assert.equal([own.mode, typeof own.port], ['own', 'number']);
  const renewed = (await (await post('renew', { vm: shared.id })).json()) as ServiceVmInfo;
  assert.is(renewed.id, shared.id);
  assert.is((await post('stop', { vm: own.id })).status, 204);
  const one = (await (await app.request('/v1/services/web', { headers: AS_OWNER })).json()) as ServiceInfo;
  assert.equal(
    one.vms.map(({ id }) => id),
    [shared.id],
  );
  assert.is((await post('stop')).status, 204);
  assert.is((await app.request('/v1/services/web', { method: 'DELETE', headers: AS_OWNER })).status, 204);
  assert.equal(await list(), []);
});

for (const [what, method, path, headers, body, code] of [
  ['a stranger', 'GET', '/v1/services', {}, null, 'unauthorized'],
  ['a stranger at the door', 'GET', '/s/web/', {}, null, 'unauthorized'],
  ['another site at the door', 'GET', '/s/web/', { ...AS_OWNER, origin: 'http://evil.example' }, null, 'forbidden'],
  ['an unknown service', 'GET', '/v1/services/nobody', AS_OWNER, null, 'service-unknown'],
  ['an unknown service at the door', 'GET', '/s/nobody/', AS_OWNER, null, 'service-unknown'],
  ['an unknown service, to start', 'POST', '/v1/services/nobody/start', AS_OWNER, null, 'service-unknown'],
  ['an unknown service’s log', 'GET', '/v1/services/nobody/logs', AS_OWNER, null, 'service-unknown'],
  ['a name that is none', 'GET', '/s/Web/', AS_OWNER, null, 'request-invalid'],
  ['another mode', 'POST', '/v1/services/web/start', JSON_TYPE, '{"mode":"mine"}', 'request-invalid'],
  ['an unknown key', 'POST', '/v1/services/web/start', JSON_TYPE, '{"ports":true}', 'request-invalid'],
  [
    'a form',
    'POST',
    '/v1/services/web/start',
    { ...AS_OWNER, 'content-type': 'text/plain' },
    '{}',
    'media-type-unsupported',
  ],
  ['a long body', 'POST', '/v1/services/web/start', JSON_TYPE, `{"mode":"${'x'.repeat(5000)}"}`, 'body-too-large'],
  ['an unknown VM, to stop', 'POST', '/v1/services/web/stop', JSON_TYPE, '{"vm":"vm-0"}', 'not-found'],
  ['an unknown VM at the door', 'GET', '/s/web/', { ...AS_OWNER, 'cloudlet-service-vm': 'vm-0' }, null, 'not-found'],
  ['renewing what does not run', 'POST', '/v1/services/web/renew', AS_OWNER, null, 'not-found'],
  ['a log that is half followed', 'GET', '/v1/services/web/logs?follow=maybe', AS_OWNER, null, 'request-invalid'],
] as const) {
  services(`refuse ${what}: ${code}`, async ({ host, engine }) => {
    const response = await host.app.request(path, { method, headers, ...(body === null ? {} : { body }) });
    assert.is(((await response.json()) as Problem).code, code);
    assert.is(engine.vms.started.length, 0);
  });
}

services('the log is an event stream of the consoles', async ({ host, engine }) => {
  await engine.services.start(NAME, { mode: 'join' }, { user: 'ann' });
  engine.vms.started[0]!.console.write('serving\n');
  await new Promise(setImmediate);
  const response = await host.app.request('/v1/services/web/logs?follow=false', { headers: AS_OWNER });
  assert.is(response.headers.get('content-type'), 'text/event-stream');
  assert.match(await response.text(), /event: line\ndata: \{.*"stream":"console","text":"serving"\}/);
});

services('a request reaches the server as it came, without proof of who asks', async (world) => {
  const { status, headers, text } = await ask(world, '/s/web/a%20b/../c?x=1', {
    headers: {
      cookie: 'cloudlet-session=secret',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-user': 'root',
      forwarded: 'for=6.6.6.6',
      'cloudlet-deadline-ms': '5',
      connection: 'close, x-drop',
      'x-drop': '1',
      'x-keep': 'ü',
    },
  });
  assert.is(status, 200);
  const seen = JSON.parse(text);
  assert.equal([seen.method, seen.url], ['GET', '/c?x=1']);
  assert.equal(seen.headers, {
    host: 'localhost:80',
    'x-keep': 'ü',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': `127.0.0.1:${world.listener.port}`,
    'x-forwarded-proto': 'http',
    'x-forwarded-prefix': '/s/web',
    connection: 'keep-alive',
  });
  assert.match(headers['cloudlet-service-vm'] as string, /^vm-[0-9a-f]{12}$/);
  assert.match(headers['server-timing'] as string, /^start;dur=[\d.]+;desc="cached"$/);
  assert.match(headers['content-security-policy'] as string, /^sandbox /);
  assert.match((await ask(world, '/s/web')).text, /"url":"\/"/);
  assert.match((await ask(world, '/s/web/')).headers['server-timing'] as string, /^start;dur=0;desc="running"$/);
});

services('a body goes through both ways, of any length', async (world) => {
  const body = Buffer.alloc(3_000_000, 'cloudlet');
  const { text } = await ask(world, '/s/web/echo', { method: 'POST', body });
  assert.is(text.length, body.length);
  assert.ok(Buffer.from(text).equals(body));
});

for (const [what, path, method, expected] of [
  [
    'what would reach beyond the service is withheld',
    '/s/web/cookie',
    'GET',
    { status: 200, 'set-cookie': undefined, 'access-control-allow-origin': undefined, 'x-own': '1' },
  ],
  ['a redirect stays below the service', '/s/web/redirect', 'GET', { status: 302, location: '/s/web/elsewhere?x=1' }],
  ['an answer without a body has none', '/s/web/nothing', 'GET', { status: 204, 'content-length': undefined }],
  ['HEAD has the head alone', '/s/web/x', 'HEAD', { status: 200, 'content-type': 'application/json' }],
] as const) {
  services(what, async (world) => {
    const { status, headers } = await ask(world, path, { method });
    for (const [name, value] of Object.entries(expected))
      assert.is(name === 'status' ? status : headers[name], value, name);
  });
}

services('a failure after the head breaks the connection', async (world) => {
  await ask(world, '/s/web/break').then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.match(String(error.code), /ECONNRESET/),
  );
});

services('a session has its own VM, where others join the shared one', async (world) => {
  const { sessions } = world.host.parts.trust;
  const bearer = () => ({ authorization: `Bearer ${sessions.open().secret}`, 'content-type': 'application/json' });
  const [ann, bob] = [bearer(), bearer()];
  const own = JSON.parse(
    (await ask(world, '/v1/services/web/start', { method: 'POST', headers: ann, body: '{"mode":"own"}' })).text,
  ) as ServiceVmInfo;
  const vmOf = async (headers: Record<string, string>) =>
    (await ask(world, '/s/web/', { headers })).headers['cloudlet-service-vm'];
  assert.is(await vmOf(ann), own.id);
  const shared = await vmOf(bob);
  assert.is.not(shared, own.id);
  assert.is(await vmOf({ ...bob, 'cloudlet-service-vm': own.id }), own.id, 'who names it may use it');
});

/** Sends the bytes of a request for a WebSocket, and gives the socket. */
function webSocket({ listener }: World, path: string, headers: Record<string, string>): Socket {
  const socket = connect({ host: '127.0.0.1', port: listener.port });
  const all = {
    host: '127.0.0.1',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'key',
    ...headers,
  };
  socket.write(
    `GET ${path} HTTP/1.1\r\n${Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  );
  return socket;
}

async function all(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += bytes;
  return text;
}

services('a WebSocket goes through to the server', async (world) => {
  const socket = webSocket(world, '/s/web/chat?room=1', AS_OWNER);
  let got = '';
  socket.on('data', (bytes) => {
    got += bytes;
  });
  const until = async (text: string) => {
    while (!got.includes(text)) await new Promise((resolve) => socket.once('data', resolve));
  };
  await until('hello ');
  const head = got.slice(0, got.indexOf('\r\n\r\n'));
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, /\r\nsec-websocket-accept: for key/);
  assert.match(head, /\r\ncloudlet-service-vm: vm-/);
  assert.not.match(head, /set-cookie/);
  socket.write('to and fro');
  await until('<to and fro>');
  const vm = world.engine.services.get(NAME).vms[0]!;
  assert.is(vm.connections, 1);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await world.engine.services.stop(NAME, vm.id);
  await closed;
});

for (const [what, path, headers, status] of [
  ['a stranger gets no WebSocket', '/s/web/', {}, 401],
  ['another site gets no WebSocket', '/s/web/', { ...AS_OWNER, origin: 'http://evil.example' }, 403],
  ['an unknown service has no WebSocket', '/s/nobody/', AS_OWNER, 404],
  ['what the server refuses is refused', '/s/web/no', AS_OWNER, 404],
  ['elsewhere the request is an ordinary one', '/healthz', { connection: 'Upgrade, close' }, 200],
  [
    'another protocol is an ordinary request',
    '/s/web/x',
    { ...AS_OWNER, upgrade: 'h2c', connection: 'Upgrade, close' },
    200,
  ],
] as const) {
  services(what, async (world) => {
    const socket = webSocket(world, path, headers as Record<string, string>);
    assert.match(await all(socket), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

services('a host that stops does not wait for WebSockets', async (world) => {
  const socket = webSocket(world, '/s/web/', AS_OWNER);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await world.listener.close(60_000);
  await closed;
});

services.run();

// time limit: 600 s
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hexOf, parseName, type ServiceVmInfo } from '../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../host/listener.ts';
import type { VmImage } from '../../runtime/vm/image/index.ts';
import { AS_OWNER, testHost } from '../host/memory-engine.ts';
import { type CloudletLab, openLab } from '../support/cloudlet-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';
import { ended } from '../support/process-tree.ts';
import { SavedVms } from '../support/saved-vms.ts';

const AND_WAIT = fileURLToPath(new URL('../support/service-vm-and-wait.ts', import.meta.url));

/** A server that tells of itself, echoes over WebSockets, and tries what it is asked to try. */
const SERVER = `
const { createServer } = require('node:http');
const net = require('node:net');
const { readSync, openSync } = require('node:fs');
const random = () => { const b = Buffer.alloc(16); readSync(openSync('/dev/urandom'), b); return b.toString('hex'); };
let served = 0;
const tried = (port, host, say) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 5000 });
  let got = '';
  socket.on('connect', () => say ? socket.write(say) : resolve('connected'));
  socket.on('data', (bytes) => { got += bytes; if (got.includes('\\n')) resolve(got); });
  socket.on('timeout', () => { socket.destroy(); resolve('timeout'); });
  socket.on('error', (error) => resolve(error.code));
  socket.on('close', () => resolve(got));
});
createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url, 'http://x');
  served += 1;
  if (url.pathname === '/echo') return void incoming.pipe(outgoing);
  if (url.pathname === '/try') return void outgoing.end(await tried(Number(url.searchParams.get('port')), url.searchParams.get('host')));
  if (url.pathname === '/proxy') return void outgoing.end(await tried(3128, '127.0.0.1', url.searchParams.get('say') + ' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'));
  if (url.pathname === '/interfaces') return void outgoing.end(Object.keys(require('node:os').networkInterfaces()).join());
  outgoing.end(JSON.stringify({ served, random: random(), headers: incoming.headers }));
}).on('upgrade', (_, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: websocket\\r\\n\\r\\n');
  socket.pipe(socket);
}).listen(8080, '127.0.0.1', () => console.log('the server listens'));
`;
const SCRIPT = `mkdir -p /srv && echo ${Buffer.from(SERVER).toString('base64')} | base64 -d > /srv/server.js`;
const SPEC = {
  ...{ run: 'exec node /srv/server.js', port: 8080, outbound: ['allowed.example', 'inner.example', 'rebound.example'] },
  limits: { leaseS: 10, diskMib: 64 },
};
const NAME = parseName('web');
const NAMES: Readonly<Record<string, string[]>> = {
  'allowed.example': ['93.184.216.34'],
  'inner.example': ['10.0.2.2'],
};
/** What a name is each time that it is asked for: first somebody, then this computer, in two ways. */
const REBOUND: string[][] = [['93.184.216.34'], ['127.0.0.1'], ['::ffff:127.0.0.1']];

interface Context {
  saved: SavedVms;
  image: VmImage;
  lab: CloudletLab;
  listener: Listener;
  /** Where public names lead to in this test. */
  outside: ReturnType<typeof createServer>;
}

const services = suite<Context>('a service in real VMs');

services.before(async (context) => {
  context.saved = await SavedVms.open();
  context.image = await context.saved.service(SCRIPT, SPEC);
  context.outside = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\noutside'));
  });
  await new Promise<void>((resolve) => context.outside.listen(0, '127.0.0.1', resolve));
  const { port } = context.outside.address() as { port: number };
  context.lab = await openLab({
    cacheDir: TEST_CACHE,
    serviceWorld: {
      hold: (digest, signal) => context.saved.store.hold(digest, signal),
      network: {
        resolver: async (name) => (name === 'rebound.example' ? (REBOUND.shift() ?? []) : (NAMES[name] ?? [])),
        connector: () =>
          new Promise((resolve, reject) => {
            const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
            socket.on('error', reject);
          }),
      },
    },
  });
  context.lab.cloudlet.services.put(NAME, context.image.digest, SPEC);
  const { app } = testHost({ cloudlet: context.lab.cloudlet });
  context.listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
});
services.after.each(({ lab }) => lab.cloudlet.services.stop(NAME));
services.after(async ({ listener, lab, outside, saved }) => {
  await listener?.close(0);
  await lab?.close();
  outside?.close();
  await saved?.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function ask(
  { listener }: Context,
  path: string,
  method = 'GET',
  body?: string | Uint8Array,
  headers = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { ...AS_OWNER, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers };
    const message = httpRequest({ host: '127.0.0.1', port: listener.port, path, method, headers: all });
    message.on('error', reject);
    message.on('response', async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(parts).toString() });
    });
    message.end(body);
  });
}

async function start(context: Context, asked: object = {}): Promise<ServiceVmInfo> {
  const { status, text } = await ask(context, `/v1/services/${NAME}/start`, 'POST', JSON.stringify(asked));
  assert.is(status, 200, text);
  return JSON.parse(text) as ServiceVmInfo;
}

services('starts with the first request, and is found by the next', async (context) => {
  const first = await ask(context, '/s/web/');
  assert.is(first.status, 200, first.text);
  assert.match(first.headers['server-timing'] as string, /desc="cached"/);
  const second = await ask(context, '/s/web/');
  assert.match(second.headers['server-timing'] as string, /^start;dur=0;desc="running"$/);
  assert.is(second.headers['cloudlet-service-vm'], first.headers['cloudlet-service-vm']);
  const seen = JSON.parse(second.text);
  assert.is(seen.headers.host, 'localhost:8080');
  assert.not.ok('authorization' in seen.headers);
});

services('several at once do not meet, and have randomness of their own', async (context) => {
  const [shared, own, other] = [
    await start(context),
    await start(context, { mode: 'own' }),
    await start(context, { mode: 'own' }),
  ];
  const seen = await Promise.all(
    [shared, own, other].map(async ({ id }) =>
      JSON.parse((await ask(context, '/s/web/', 'GET', undefined, { 'cloudlet-service-vm': id })).text),
    ),
  );
  assert.is(new Set(seen.map(({ random }) => random)).size, 3);
  assert.is(
    new Set(seen.map(({ served }) => served)).size,
    1,
    'each has served its probe and one request since it was saved',
  );
  assert.is(new Set([shared, own, other].map(({ pid }) => pid)).size, 3);
});

services('carries bodies both ways, and WebSockets', async (context) => {
  const body = 'cloudlet'.repeat(100_000);
  const { text } = await ask(context, '/s/web/echo', 'POST', body);
  assert.ok(text === body, String(text.length));
  const socket = connect({ host: '127.0.0.1', port: context.listener.port });
  socket.write(
    `GET /s/web/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${AS_OWNER.authorization}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await said(socket, /^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  socket.write('to and fro');
  await said(socket, /^to and fro$/);
  socket.destroy();
});

services('has a raw port where one is asked for, as long as it lives', async (context) => {
  const { port } = await start(context, { mode: 'own', port: true });
  const socket = connect({ host: '127.0.0.1', port: port! });
  socket.write('GET /raw HTTP/1.1\r\nHost: x\r\n\r\n');
  await said(socket, /^HTTP\/1\.1 200 /);
  await context.lab.cloudlet.services.stop(NAME);
  const again = connect({ host: '127.0.0.1', port: port! });
  assert.match(String(await new Promise((resolve) => again.once('error', resolve))), /ECONNREFUSED/);
});

services('reaches nothing by itself: it has no network', async (context) => {
  assert.is((await ask(context, '/s/web/interfaces')).text, 'lo');
  const { port } = context.outside.address() as { port: number };
  for (const [host, at] of [
    ['169.254.169.254', 80],
    ['10.0.2.2', 80],
    ['192.168.0.1', 80],
    ['93.184.216.34', 80],
    ['127.0.0.1', port],
    ['127.0.0.1', context.listener.port],
    ['::1', port],
    ['::ffff:127.0.0.1', port],
    ['::ffff:169.254.169.254', 80],
    ['fd00:ec2::254', 80],
    ['fe80::1', 80],
  ] as const) {
    const { text } = await ask(context, `/s/web/try?host=${host}&port=${at}`);
    assert.match(text, UNREACHABLE, `${host}:${at}: ${text}`);
  }
});

services("has no way to another VM, nor to another's raw port", async (context) => {
  const { port } = await start(context, { mode: 'own', port: true });
  const asking = { 'cloudlet-service-vm': (await start(context)).id };
  const { text } = await ask(context, `/s/web/try?host=127.0.0.1&port=${port}`, 'GET', undefined, asking);
  assert.match(text, UNREACHABLE);
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    const say = encodeURIComponent(`CONNECT ${host}:${port}`);
    const refused = await ask(context, `/s/web/proxy?say=${say}`, 'GET', undefined, asking);
    assert.match(refused.text, /^HTTP\/1\.1 403 /, host);
  }
});

services('asks its proxy for a name that is another address the next time, and gets that judged', async (context) => {
  for (const expected of [/^HTTP\/1\.1 200 /, /^HTTP\/1\.1 403 /, /^HTTP\/1\.1 403 /]) {
    const { text } = await ask(context, `/s/web/proxy?say=${encodeURIComponent('CONNECT rebound.example:443')}`);
    assert.match(text, expected);
  }
  assert.is(REBOUND.length, 0, 'each was asked for once');
});

for (const [what, say, expected] of [
  ['a host that it names', 'GET http://allowed.example/', /^HTTP\/1\.1 200 OK/],
  ['a tunnel to it', 'CONNECT allowed.example:443', /^HTTP\/1\.1 200 Connection established/],
  ['a host that it does not name', 'GET http://other.example/', /^HTTP\/1\.1 403 /],
  ['a named host at an address of the computer’s network', 'CONNECT inner.example:443', /^HTTP\/1\.1 403 /],
  ['the credentials of a cloud', 'GET http://169.254.169.254/latest/meta-data', /^HTTP\/1\.1 403 /],
  ['the loopback of the host', 'CONNECT 127.0.0.1:22', /^HTTP\/1\.1 403 /],
  ['it as IPv6', 'CONNECT [::1]:22', /^HTTP\/1\.1 403 /],
  ['it as IPv4 in IPv6', 'CONNECT [::ffff:127.0.0.1]:22', /^HTTP\/1\.1 403 /],
  ['it as one number', 'GET http://2130706433/', /^HTTP\/1\.1 403 /],
  ['it by its name', 'GET http://localhost/', /^HTTP\/1\.1 403 /],
  ['the credentials of a cloud, by IPv6', 'GET http://[fd00:ec2::254]/latest/meta-data', /^HTTP\/1\.1 403 /],
] as const) {
  services(`asks its proxy for ${what}`, async (context) => {
    const { text } = await ask(context, `/s/web/proxy?say=${encodeURIComponent(say)}`);
    assert.match(text, expected);
  });
}

services('tells what its console says', async (context) => {
  await ask(context, '/s/web/proxy?say=GET%20http%3A%2F%2Fother.example%2F');
  const { text } = await ask(context, `/v1/services/${NAME}/logs?follow=false`);
  assert.match(text, /"stream":"host","text":"\\"http:\/\/other\.example\\": other\.example:80 is not among/);
});

services('ends with its lease, and leaves neither process nor file', async (context) => {
  const { pid, port } = await start(context, { port: true });
  assert.ok(existsSync(`/proc/${pid}`));
  // Where this computer lets nobody make groups it has none of its own.
  const groups = groupsOf(pid!).filter((each) => !groupsOf(process.pid).includes(each));
  assert.ok(marks(context).length > 0, 'the image is held');
  const until = performance.now() + 60_000;
  while (context.lab.cloudlet.services.get(NAME).vms.length > 0 && performance.now() < until) await sleep(100);
  assert.equal(context.lab.cloudlet.services.get(NAME).vms, []);
  await ended(pid!);
  assert.equal(marks(context), []);
  assert.equal(openFilesOf(context), []);
  const again = connect({ host: '127.0.0.1', port: port! });
  assert.match(String(await new Promise((resolve) => again.once('error', resolve))), /ECONNREFUSED/);
  assert.equal(
    groups.filter((each) => existsSync(each)),
    [],
    'control groups',
  );
});

/** The control groups of a process, of either version, as directories. */
function groupsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [, controllers = '', path = '/'] = line.split(':');
    return join('/sys/fs/cgroup', controllers, path);
  });
}

const UNREACHABLE = /^(ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL|timeout)$/;

services('ends with a host that is killed', async (context) => {
  const child = spawn(process.execPath, [AND_WAIT, context.saved.store.directory, context.image.digest], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { pid, port } = JSON.parse(String(line)) as { pid: number; port: number };
  assert.ok(existsSync(`/proc/${pid}`));
  child.kill('SIGKILL');
  await once(child, 'exit');
  await ended(Number(pid));
  const again = connect({ host: '127.0.0.1', port });
  assert.match(String(await new Promise((resolve) => again.once('error', resolve))), /ECONNREFUSED/);
  const [listed] = (await context.saved.store.list()).filter(({ digest }) => digest === context.image.digest);
  assert.is(listed!.inUse, false);
});

/** Marks of those who hold the image. */
function marks({ saved, image }: Context): string[] {
  return readdirSync(join(saved.store.directory, hexOf(image.digest))).filter((name) => name.startsWith('held-'));
}

/** Files of the image that this process has open still. */
function openFilesOf({ saved }: Context): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // The one of the listing itself.
      }
    })
    .filter((path) => path.startsWith(saved.folder));
}

/** Resolves when what a socket says from now on looks like this. */
function said(socket: Socket, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (bytes: Buffer): void => {
      text += bytes;
      if (!pattern.test(text)) return;
      socket.off('data', look);
      resolve();
    };
    socket.on('data', look);
    socket.once('error', reject);
  });
}

services.run();

import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName, type ServiceVmInfo } from '../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../host/listener.ts';
import { AS_OWNER, testHost } from '../host/memory-engine.ts';
import { type CloudletLab, openLab } from '../support/cloudlet-lab.ts';
import { SavedVms } from '../support/saved-vms.ts';

/** A server that never answers, floods its caller, its console, its proxy and its disk, as it is asked to. */
const SERVER = `
const { createServer } = require('node:http');
const { connect } = require('node:net');
const fs = require('node:fs');
const flood = (to, bytes) => { const go = () => { while (to.write(bytes)); to.once('drain', go); }; to.on('error', () => {}); go(); };
createServer((incoming, outgoing) => {
  const { url } = incoming;
  if (url === '/never') return;
  if (url === '/bytes') return flood(outgoing, Buffer.alloc(65536, 1));
  if (url === '/head') { incoming.socket.write('HTTP/1.1 200 OK\\r\\n'); return flood(incoming.socket, 'x: ' + 'a'.repeat(60000) + '\\r\\n'); }
  if (url === '/console') { for (let line = 0; line < 200; line++) fs.writeSync(1, 'y'.repeat(3999) + '\\n'); return outgoing.end('said'); }
  if (url === '/proxy') {
    let ended = 0;
    const over = () => { ended += 1; if (ended === 200) outgoing.end('refused'); };
    for (let at = 0; at < 200; at++) {
      const socket = connect(3128, '127.0.0.1', () => socket.write(at % 2 ? Buffer.alloc(65536, 7) : 'GET http://x/ HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'));
      socket.on('error', () => {}).on('close', over).resume();
    }
    return;
  }
  if (url === '/disk') {
    let written = 0;
    try { const file = fs.openSync('/big', 'w'); const bytes = Buffer.alloc(1 << 20, Math.random().toString()); for (;;) { written += fs.writeSync(file, bytes); if (written % (8 << 20) === 0) fs.fsyncSync(file); } }
    catch (error) { return outgoing.end(error.code + ' ' + written); }
  }
  outgoing.end('here');
}).on('upgrade', (_, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: websocket\\r\\n\\r\\n');
  socket.pipe(socket);
}).listen(8080, '127.0.0.1');
`;
const SCRIPT = `mkdir -p /srv && echo ${Buffer.from(SERVER).toString('base64')} | base64 -d > /srv/server.js`;
const DISK_MIB = 32;
/** Of which one caller may have 24. */
const CONNECTIONS = 32;
const SPEC = {
  ...{ run: 'exec node /srv/server.js', port: 8080 },
  limits: { leaseS: 600, diskMib: DISK_MIB, connections: CONNECTIONS },
};
const NAME = parseName('web');
/** Longest that the memory of the host may grow by under any of this, bytes. */
const MOST_BYTES = 256 * 2 ** 20;

interface Context {
  saved: SavedVms;
  lab: CloudletLab;
  listener: Listener;
  opened: Set<Socket>;
}

const floods = suite<Context>('a service in a real VM under floods');

floods.before(async (context) => {
  context.opened = new Set();
  context.saved = await SavedVms.open();
  const image = await context.saved.service(SCRIPT, SPEC);
  context.lab = await openLab({
    cacheDir: context.saved.folder,
    serviceWorld: { hold: (digest, signal) => context.saved.store.hold(digest, signal) },
  });
  context.lab.cloudlet.services.put(NAME, image.digest, SPEC);
  const { app } = testHost({ cloudlet: context.lab.cloudlet });
  context.listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  assert.equal(await ask(context, '/'), { status: 200, text: 'here' });
});
floods.after.each(async (context) => {
  for (const socket of context.opened) socket.destroy();
  context.opened.clear();
  while (vmOf(context).connections > 1) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await ask(context, '/'), { status: 200, text: 'here' });
});
floods.after(async ({ listener, lab, saved }) => {
  await listener?.close(0);
  await lab?.close();
  await saved?.close();
});

const vmOf = ({ lab }: Context): ServiceVmInfo => lab.cloudlet.services.get(NAME).vms[0]!;

function ask({ listener }: Context, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const message = httpRequest({
      host: '127.0.0.1',
      port: listener.port,
      path: `/s/${NAME}${path}`,
      headers: AS_OWNER,
    });
    message.on('error', reject);
    message.on('response', async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() });
    });
    message.end();
  });
}

/** Opens a connection to the host and sends a request of HTTP; gives the status of its answer. */
function open({ listener, opened }: Context, path: string, fields = ''): { status: Promise<number>; socket: Socket } {
  const socket = connect({ host: '127.0.0.1', port: listener.port });
  opened.add(socket);
  socket.write(
    `GET /s/${NAME}${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${AS_OWNER.authorization}\r\n${fields}\r\n`,
  );
  const status = new Promise<number>((resolve) => {
    socket.on('error', () => resolve(0));
    socket.once('data', (bytes) => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(bytes))?.[1])));
  });
  return { status, socket };
}
const WEB_SOCKET = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n';

floods('of a thousand WebSockets one caller gets his share, the rest is told', async (context) => {
  const statuses: number[] = [];
  for (let round = 0; round < 4; round += 1)
    statuses.push(...(await Promise.all(Array.from({ length: 250 }, () => open(context, '/', WEB_SOCKET).status))));
  assert.equal(new Set(statuses), new Set([101, 503]));
  assert.is(statuses.filter((status) => status === 101).length, (CONNECTIONS * 3) / 4);
});

floods('callers who read nothing hold a window each, and not the others', async (context) => {
  const before = process.memoryUsage.rss();
  const slow = Array.from({ length: 16 }, () => open(context, '/bytes'));
  await Promise.all(slow.map(({ status }) => status));
  for (const { socket } of slow) socket.pause();
  assert.equal(await ask(context, '/'), { status: 200, text: 'here' });
  assert.ok(process.memoryUsage.rss() - before < MOST_BYTES);
});

floods('a WebSocket that is written to and never read from stops its writer', async (context) => {
  const before = process.memoryUsage.rss();
  const { socket, status } = open(context, '/', WEB_SOCKET);
  assert.is(await status, 101);
  socket.pause();
  const bytes = Buffer.alloc(2 ** 20, 7);
  for (let still = 0; still < 50; still += 1) {
    if (socket.writableLength < bytes.length) {
      socket.write(bytes);
      still = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(socket.bytesWritten < MOST_BYTES, 'it takes bytes for ever');
  }
  assert.ok(process.memoryUsage.rss() - before < MOST_BYTES);
});

floods('a head without end is no answer', async (context) => {
  const { status, text } = await ask(context, '/head');
  assert.equal([status, JSON.parse(text).code], [502, 'guest-response-invalid']);
});

for (const [path, text] of [
  ['/console', /^said$/],
  ['/proxy', /^refused$/],
  ['/disk', /^(EIO|ENOSPC) \d+$/],
] as const)
  floods(`a server that floods its ${path.slice(1)} costs nobody else anything`, async (context) => {
    const before = process.memoryUsage.rss();
    const answer = await ask(context, path);
    assert.is(answer.status, 200);
    assert.match(answer.text, text);
    assert.ok(process.memoryUsage.rss() - before < MOST_BYTES);
    if (path === '/disk') assert.ok(Number(answer.text.split(' ')[1]) <= (DISK_MIB + 64) * 2 ** 20, answer.text);
  });

floods.run();

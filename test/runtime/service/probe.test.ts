import { createServer, type RequestListener } from 'node:http';
import type { Server } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { probeService } from '../../../runtime/service/index.ts';
import { FakeVm, keepingClock, rawServer, serveLocally, serviceSpec } from '../../support/fake-vm.ts';

const probe = suite('the probe of a service');

type Spec = Parameters<typeof serviceSpec>[0];

/** Probes a server as it would be in a VM; null: none listens. Gives what came of it. */
async function probed(server: Server | null, changes: Spec = {}): Promise<string> {
  const local = server === null ? null : await serveLocally(server);
  const vm = new FakeVm('v', new Map(local === null ? [] : [[80, local.port]]));
  try {
    const connect = (signal: AbortSignal) => vm.relay.connect(80, signal);
    const spec = serviceSpec({ readyMs: 600, ...changes });
    await probeService({ spec, connect, clock: keepingClock, signal: new AbortController().signal });
    return 'ready';
  } catch (error) {
    assert.instance(error, CloudletError);
    return `${(error as CloudletError).code}: ${(error as Error).message}`;
  } finally {
    await vm.close();
    await local?.close();
  }
}

const http = (handle: RequestListener) => () => createServer(handle);
const says = (bytes: string) => () => rawServer((socket) => socket.end(bytes));
const TEXT = { probe: { text: 'ready' } };
const TCP = { protocol: 'tcp' } as const;

/** Everything that a server can do instead of serving, and what is said of it: none of it may ever be taken for readiness. */
const FAULTS: readonly (readonly [what: string, server: (() => Server) | null, spec: Spec, sentence: RegExp])[] = [
  ['never listens', null, {}, /nothing listens there/],
  ['accepts and closes', () => rawServer((socket) => socket.end()), {}, /closed the connection/],
  [
    'accepts and resets',
    () => rawServer((socket) => socket.resetAndDestroy()),
    {},
    /closed the connection|nothing listens/,
  ],
  ['accepts and says nothing', () => rawServer(() => {}), {}, /did not answer as it should within/],
  ['sends garbage', says('\x00\x01garbage\r\n\r\n'), {}, /no HTTP/],
  ['greets like a mail server', says('220 smtp ready\r\n'), {}, /no HTTP/],
  ['sends half a head', () => rawServer((socket) => void socket.write('HTTP/1.1 200 OK\r\n')), {}, /did not answer/],
  ['answers 503', http((_, out) => out.writeHead(503).end('starting')), {}, /status 503/],
  ['answers another status', http((_, out) => out.end()), { probe: { status: 204 } }, /status 200/],
  ['answers another text', http((_, out) => out.end('starting')), TEXT, /does not contain "ready"/],
  ['answers endlessly another text', http((_, out) => flood(out)), TEXT, /does not contain "ready"/],
  ['breaks off before the text', says('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnearly'), TEXT, /broke off/],
  ['stalls before the text', http((_, out) => void out.write('nearly')), TEXT, /did not answer as it should/],
  ['says only that it goes on', says('HTTP/1.1 100 Continue\r\n\r\n'), {}, /closed the connection/],
  [
    'changes the protocol',
    says('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    {},
    /changed the protocol|no HTTP/,
  ],
  ['sends an endless head', () => rawServer((socket) => endlessHead(socket)), {}, /no HTTP|closed the connection/],
  ['TCP: never listens', null, TCP, /nothing listens there/],
  ['TCP: accepts and closes', () => rawServer((socket) => socket.end()), TCP, /took a connection and closed it/],
  ['TCP: greets otherwise', says('go away\r\n'), { ...TCP, ...TEXT }, /does not contain "ready"/],
  ['TCP: says nothing', () => rawServer(() => {}), { ...TCP, ...TEXT }, /did not answer as it should/],
];

for (const [what, server, spec, sentence] of FAULTS) {
  probe(`a server that ${what} is not ready`, async () => {
    const outcome = await probed(server?.() ?? null, spec);
    assert.match(outcome, /^not-ready: expected the server to answer its probe on port 80/);
    assert.match(outcome, sentence);
  });
}

for (const [what, server, spec] of [
  ['answers', http((_, out) => out.end()), {}],
  ['answers that there is nothing', http((_, out) => out.writeHead(404).end()), {}],
  [
    'answers as expected',
    http((request, out) => out.writeHead(request.url === '/health' ? 204 : 500).end()),
    { probe: { path: '/health', status: 204 } },
  ],
  ['answers with the text', http((_, out) => out.end('all is ready')), TEXT],
  ['never ends an answer with the text', http((_, out) => void out.write('ready')), TEXT],
  ['TCP: stays open', () => rawServer(() => {}), TCP],
  ['TCP: greets', says('ready\r\n'), { ...TCP, ...TEXT }],
  ['TCP: greets and closes', says('hello\r\n'), TCP],
] as const) {
  probe(`a server that ${what} is ready`, async () => {
    assert.is(await probed(server(), spec), 'ready');
  });
}

probe('a server that comes late is asked until it is there', async () => {
  let asked = 0;
  const late = createServer((_, out) => out.writeHead(++asked < 5 ? 503 : 200).end());
  assert.is(await probed(late, { readyMs: 5000 }), 'ready');
  assert.is(asked, 5);
});

probe('who does not want it any more is not kept', async () => {
  const wish = new AbortController();
  const vm = new FakeVm('v', new Map());
  const probing = probeService({
    spec: serviceSpec({ readyMs: 60_000 }),
    connect: () => vm.relay.connect(80),
    clock: keepingClock,
    signal: wish.signal,
  });
  wish.abort(new Error('enough'));
  await probing.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'enough'),
  );
});

function flood(out: { write(text: string): boolean; once(event: 'drain', next: () => void): unknown }): void {
  if (out.write('x'.repeat(10_000))) setImmediate(flood, out);
  else out.once('drain', () => flood(out));
}

function endlessHead(socket: { write(text: string): boolean; destroyed: boolean }): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  const more = (): void => {
    if (socket.destroyed) return;
    socket.write(`x-${'a'.repeat(1000)}: b\r\n`);
    setImmediate(more);
  };
  more();
}

probe.run();

import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type FunctionName, parseName, type ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import { type ServiceRequest, Services, type ServicesOptions } from '../../../runtime/service/index.ts';
import { Registry } from '../../../runtime/store/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeVms, imageDigest, type LocalServer, rawServer, serveLocally, serviceSpec } from '../../support/fake-vm.ts';

const services = suite('services');

const NAME = parseName('web');
const IMAGE = imageDigest('a');
const ANN = { user: 'ann' };
const BOB = { user: 'bob' };
const JOIN = { mode: 'join' } as const;
const OWN = { mode: 'own' } as const;

interface Lab {
  readonly services: Services;
  readonly vms: FakeVms;
  readonly clock: FakeClock;
  readonly events: string[];
  /** What the server was asked for. */
  readonly asked: string[];
  readonly server: LocalServer;
  readonly registry: Registry;
}

let open: Lab | null = null;
services.after.each(async () => {
  await open?.services.close();
  await open?.server.close();
  open?.registry.close();
  open = null;
});

/** Services over fake VMs in which an HTTP server listens on port 80, that knows `web`. */
async function lab(options: Partial<ServicesOptions> = {}, spec: Partial<ServiceSpec> = {}): Promise<Lab> {
  const vms = new FakeVms();
  const clock = new FakeClock();
  const events: string[] = [];
  const asked: string[] = [];
  const server = await serveLocally(
    createServer((incoming, outgoing) => {
      asked.push(incoming.url!);
      if (incoming.url === '/slow') return void setTimeout(() => outgoing.end('slow'), 50);
      if (incoming.url === '/never') return;
      if (incoming.url === '/half') return void outgoing.write('half');
      outgoing.end(`${incoming.method} ${incoming.url} ${asked.length}`);
    }).on('upgrade', (_, socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    }),
  );
  vms.ports.set(80, server.port);
  const registry = Registry.open(':memory:');
  const opened = new Services({
    records: registry.services,
    world: { ...vms.world, clock },
    policy: { http: 'any-public', privateNetworks: [] },
    observer: {
      serviceVmStarted: ({ name, via }) => events.push(`${name} ${via}`),
      serviceVmEnded: ({ name, cause }) => events.push(`${name} ${cause}`),
      serviceAnswered: ({ outcome }) => events.push(outcome),
      serviceWentOut: ({ outcome }) => events.push(`out ${outcome}`),
    },
    ...options,
  });
  open = { services: opened, vms, clock, events, asked, server, registry };
  opened.put(NAME, IMAGE, serviceSpec(spec));
  return open;
}

async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    assert.instance(error, CloudletError, String((error as Error).stack));
    return (error as CloudletError).code;
  }
}

const get = (path: string): ServiceRequest => ({ method: 'GET', path, headers: [], body: null });

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Waits for what happens on real sockets. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(2);
}

services('are listed by name, with what runs in them', async () => {
  const { services: all } = await lab();
  all.put(parseName('alpha'), imageDigest('b'), serviceSpec({ port: 8080 }));
  assert.equal(
    all.list().map(({ name, address, image, spec, vms }) => [name, address, image, spec.port, vms]),
    [
      ['alpha', '/s/alpha/', imageDigest('b'), 8080, []],
      ['web', '/s/web/', IMAGE, 80, []],
    ],
  );
});

services('start by a clone of their image, which is held until the VM is gone', async () => {
  const { services: all, vms, events } = await lab();
  const { vm, via } = await all.start(NAME, JOIN, ANN);
  assert.equal([vm.state, vm.mode, vm.users, via, vms.held], ['ready', 'shared', 1, 'cached', 1]);
  assert.is(all.status().vms, 1);
  await all.stop(NAME);
  assert.equal([all.get(NAME).vms, vms.held, vms.running.length], [[], 0, 0]);
  assert.equal(all.status().bytes, 0);
  assert.equal(events, ['web cached', 'web stopped']);
});

services('who joins uses the VM that runs; who wants an own one gets another', async () => {
  const { services: all, vms } = await lab();
  const first = await all.start(NAME, JOIN, ANN);
  const joined = await all.start(NAME, JOIN, BOB);
  const own = await all.start(NAME, OWN, BOB);
  assert.equal([joined.via, joined.vm.id, joined.vm.users], ['running', first.vm.id, 2]);
  assert.equal([own.via, own.vm.mode, own.vm.users], ['cached', 'own', 1]);
  assert.is(vms.started.length, 2);
  const reply = await all.request(NAME, get('/'), BOB);
  assert.is(reply.vm.id, own.vm.id, 'the own one before the shared one');
  await text(reply.body);
  await all.stop(NAME, own.vm.id);
  assert.equal(
    all.get(NAME).vms.map(({ id }) => id),
    [first.vm.id],
  );
});

services('a start in flight is shared by all who join', async () => {
  const { services: all, vms } = await lab();
  const gate = Promise.withResolvers<void>();
  vms.gate = gate.promise;
  const starts = ['ann', 'bob', 'cal'].map((user) => all.start(NAME, JOIN, { user }));
  const [state] = all.get(NAME).vms.map(({ state }) => state);
  assert.is(state, 'starting');
  gate.resolve();
  const ids = new Set((await Promise.all(starts)).map(({ vm }) => vm.id));
  assert.equal([ids.size, vms.started.length, all.get(NAME).vms[0]!.users], [1, 1, 3]);
});

services('who leaves during the start of a shared VM leaves it to the others; an own one ends', async () => {
  const { services: all, vms } = await lab();
  const gate = Promise.withResolvers<void>();
  vms.gate = gate.promise;
  const leaving = new AbortController();
  const left = all.start(NAME, JOIN, { user: 'ann', signal: leaving.signal });
  const stays = all.start(NAME, JOIN, BOB);
  const own = all.start(NAME, OWN, { user: 'ann', signal: leaving.signal });
  leaving.abort(new Error('left'));
  for (const one of [left, own])
    await one.then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'left'),
    );
  gate.resolve();
  assert.is((await stays).vm.state, 'ready');
  await until(() => all.get(NAME).vms.length === 1);
  assert.is(vms.running.length, 1);
});

services('two services of the same image and port do not meet', async () => {
  const { services: all } = await lab();
  const other = parseName('other');
  all.put(other, IMAGE, serviceSpec());
  const [a, b] = await Promise.all([all.start(NAME, JOIN, ANN), all.start(other, JOIN, ANN)]);
  assert.is.not(a.vm.id, b.vm.id);
  assert.is(await code(all.stop(NAME, b.vm.id)), 'not-found');
});

services('a new image is for the starts to come', async () => {
  const { services: all } = await lab();
  const before = await all.start(NAME, JOIN, ANN);
  all.put(NAME, imageDigest('b'), serviceSpec());
  const after = await all.start(NAME, JOIN, BOB);
  assert.equal([after.via, after.vm.image], ['cached', imageDigest('b')]);
  assert.equal((await all.request(NAME, get('/'), ANN)).vm.id, before.vm.id);
});

services('a request starts the shared VM, and the next ones find it', async () => {
  const { services: all, events } = await lab();
  const first = await all.request(NAME, get('/a?b'), ANN);
  assert.match(await text(first.body), /^GET \/a\?b /);
  const second = await all.request(NAME, get('/c'), BOB);
  assert.match(await text(second.body), /^GET \/c /);
  assert.equal([first.via, second.via, second.startMs], ['cached', 'running', 0]);
  assert.equal(events, ['web cached', 'ok', 'ok']);
});

services('a VM lives for its lease after its last use, and then nothing of it is left', async () => {
  const {
    services: all,
    vms,
    clock,
    events,
  } = await lab({}, { limits: { leaseS: 60, diskMib: 1024, cpus: 1, connections: 8 } });
  await all.start(NAME, JOIN, ANN);
  clock.advance(50_000);
  assert.is(all.get(NAME).vms[0]!.state, 'ready');
  all.renew(NAME, ANN);
  clock.advance(50_000);
  await text((await all.request(NAME, get('/'), ANN)).body);
  await until(() => all.get(NAME).vms[0]!.connections >= 0);
  clock.advance(59_000);
  assert.is(all.get(NAME).vms.length, 1);
  clock.advance(1_001);
  await until(() => all.get(NAME).vms.length === 0);
  assert.equal([vms.held, vms.running.length, all.status().vms], [0, 0, 0]);
  assert.equal(events, ['web cached', 'ok', 'web expired']);
});

services('a request that goes on holds the lease', async () => {
  const limits = { leaseS: 10, diskMib: 1024, cpus: 1, connections: 8 };
  const { services: all, clock, asked } = await lab({}, { limits });
  await all.start(NAME, JOIN, ANN);
  const leaving = new AbortController();
  const hanging = code(all.request(NAME, get('/never'), { ...ANN, signal: leaving.signal }));
  // Connections there are also of the probe.
  await until(() => asked.includes('/never'));
  clock.advance(100_000);
  assert.is(all.get(NAME).vms.length, 1);
  leaving.abort();
  assert.is(await hanging, 'client-closed');
  clock.advance(9_000);
  assert.is(all.get(NAME).vms.length, 1);
  clock.advance(1_001);
  await until(() => all.get(NAME).vms.length === 0);
});

services('a request without a byte for too long ends, and with it its hold on the lease', async () => {
  const limits = { leaseS: 10, diskMib: 1024, cpus: 1, connections: 8 };
  const { services: all, clock, asked } = await lab({ limits: { quietMs: 60_000 } }, { limits });
  await all.start(NAME, JOIN, ANN);
  const hanging = code(all.request(NAME, get('/never'), ANN));
  await until(() => asked.includes('/never'));
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  clock.advance(59_000);
  assert.is(all.get(NAME).vms.length, 1, 'it may be a long one');
  clock.advance(60_000);
  assert.is(await hanging, 'deadline-exceeded');
  clock.advance(10_000);
  await until(() => all.get(NAME).vms.length === 0);
});

services('one who asks for all connections and all VMs leaves some to others', async () => {
  const limits = { leaseS: 600, diskMib: 1024, cpus: 1, connections: 8 };
  const { services: all } = await lab({ limits: { vms: 5, bytes: 2 ** 40 } }, { limits });
  await all.start(NAME, JOIN, ANN);
  const leaving = new AbortController();
  const greedy = { ...ANN, signal: leaving.signal };
  const hanging = Array.from({ length: 20 }, () => code(all.request(NAME, get('/never'), greedy)));
  await until(() => all.get(NAME).vms[0]!.connections === 6);
  const answer = await all.request(NAME, get('/'), BOB);
  assert.is(answer.status, 200);
  await text(answer.body);
  leaving.abort();
  const codes = await Promise.all(hanging);
  assert.equal([codes.filter((each) => each === 'client-closed').length, new Set(codes).size], [6, 2]);
  const answered = await all.request(NAME, get('/'), ANN);
  assert.is(answered.status, 200, 'what was left is free again');
  await text(answered.body);
  const owned = await Promise.all(Array.from({ length: 5 }, () => code(all.start(NAME, OWN, ANN))));
  assert.equal([owned.filter((each) => each === 'ok').length, owned.at(-1)], [3, 'at-capacity']);
  assert.is(await code(all.start(NAME, OWN, BOB)), 'ok');
});

const SOCKET: ServiceRequest = { ...get('/'), headers: [['upgrade', Buffer.from('websocket')]], webSocket: true };

for (const [how, end, failure] of [
  ['its lease ends', (_: Services, clock: FakeClock) => clock.advance(10_001), null],
  ['it is stopped', (all: Services) => void all.stop(NAME), 'conflict'],
  ['its service is removed', (all: Services) => void all.remove(NAME), 'conflict'],
] as const)
  services(`what is in flight when ${how} is over then, and nothing of it is left`, async () => {
    const limits = { leaseS: 10, diskMib: 1024, cpus: 1, connections: 8 };
    const { services: all, clock, vms } = await lab({}, { limits });
    const { tunnel } = await all.request(NAME, SOCKET, ANN);
    const closed = new Promise<void>((resolve) => tunnel!.once('close', () => resolve()));
    tunnel!.on('error', () => undefined).resume();
    // A request holds the lease: it can be cut off by hand alone.
    const hanging = failure === null ? null : code(all.request(NAME, get('/never'), BOB));
    const half = failure === null ? null : (await all.request(NAME, get('/half'), BOB)).body;
    await until(() => all.get(NAME).vms[0]!.connections === (failure === null ? 1 : 3));
    end(all, clock);
    await closed;
    if (hanging !== null) assert.is(await hanging, failure);
    if (half !== null) {
      const whole = text(half).then(
        () => true,
        () => false,
      );
      assert.is(await whole, false, 'an answer that broke off does not look whole');
    }
    await until(() => all.status().vms === 0);
    assert.equal([vms.held, vms.running.length, all.status().bytes], [0, 0, 0]);
  });

services('who starts a shared VM of every service leaves some to others, and joiners do not pay for them', async () => {
  const { services: all, clock } = await lab({ limits: { vms: 5, bytes: 2 ** 40 } });
  const names = Array.from({ length: 5 }, (_, at) => parseName(`web-${at}`));
  for (const [at, name] of names.entries()) all.put(name, imageDigest(String(at)), serviceSpec());
  const codes: string[] = [];
  for (const name of names) codes.push(await code(all.start(name, JOIN, ANN)));
  assert.equal(codes, ['ok', 'ok', 'ok', 'ok', 'at-capacity']);
  for (const name of names.slice(0, 4)) assert.is(await code(all.start(name, JOIN, BOB)), 'ok');
  assert.is(await code(all.start(names[4]!, JOIN, BOB)), 'ok', 'what he joined counts for who started it');
  await all.stop(names[4]!);
  // Ann uses none of them any more, and Bob goes on.
  clock.advance(400_000);
  for (const name of names.slice(0, 4)) all.renew(name, BOB);
  clock.advance(400_000);
  for (const name of names.slice(0, 4)) all.renew(name, BOB);
  assert.is(await code(all.start(names[4]!, JOIN, BOB)), 'at-capacity', 'they count for who uses them');
  assert.is(await code(all.start(names[4]!, JOIN, ANN)), 'ok');
});

services('users are those of the lease', async () => {
  const { services: all, clock } = await lab({}, { limits: { leaseS: 60, diskMib: 1024, cpus: 1, connections: 8 } });
  await all.start(NAME, JOIN, ANN);
  clock.advance(40_000);
  await all.start(NAME, JOIN, BOB);
  assert.is(all.get(NAME).vms[0]!.users, 2);
  clock.advance(30_000);
  assert.is(all.get(NAME).vms[0]!.users, 1);
});

services('a server that does not serve fails the start, says why, and leaves nothing', async () => {
  const { services: slow, vms: own, events: seen } = await lab();
  own.ports.delete(80);
  // The clock of the lab stands: one attempt, then the time is over.
  const starting = code(slow.start(NAME, JOIN, ANN));
  await until(() => own.started.length === 1);
  for (let step = 0; step < 50; step += 1) {
    open!.clock.advance(100);
    await sleep(1);
  }
  assert.is(await starting, 'not-ready');
  await until(() => slow.get(NAME).vms.length === 0);
  assert.equal([own.held, own.running.length], [0, 0]);
  assert.is(slow.get(NAME).failure?.code, 'not-ready');
  assert.equal(seen, ['web failed']);
});

services('a VM that ends by itself is told, and the next one is another', async () => {
  const { services: all, vms, events } = await lab();
  const { vm } = await all.start(NAME, JOIN, ANN);
  vms.started[0]!.crash('Kernel panic');
  await until(() => all.get(NAME).vms.length === 0);
  assert.match(all.get(NAME).failure!.detail, /ended by itself \(SIGKILL\): Kernel panic/);
  assert.is.not((await all.start(NAME, JOIN, ANN)).vm.id, vm.id);
  assert.equal(events, ['web cached', 'web failed', 'web cached']);
  assert.is(vms.held, 1);
});

services('a server that ended in its VM is not asked for ever: the next request has another VM', async () => {
  const { services: all, vms, clock, events } = await lab();
  const { vm } = await all.start(NAME, JOIN, ANN);
  vms.started[0]!.ports.delete(80);
  const answer = all.request(NAME, get('/a'), ANN);
  for (const ms of [250, 1000]) {
    await sleep(5);
    clock.advance(ms);
  }
  const { body, vm: other } = await answer;
  assert.match(await text(body), /^GET \/a/);
  assert.is.not(other.id, vm.id);
  assert.match(all.get(NAME).failure!.detail, /its server ended: nothing listens at port 80/);
  assert.equal(events, ['web cached', 'web failed', 'web cached', 'ok']);
  await until(() => vms.held === 1);
});

services('a server that starts anew keeps its VM; one that is gone costs who names it the request', async () => {
  const { services: all, vms, clock } = await lab();
  const { vm } = await all.start(NAME, JOIN, ANN);
  const { ports } = vms.started[0]!;
  const port = ports.get(80)!;
  ports.delete(80);
  const patient = all.request(NAME, get('/a'), ANN);
  await sleep(5);
  ports.set(80, port);
  clock.advance(250);
  const { body, vm: same } = await patient;
  await text(body);
  assert.is(same.id, vm.id);
  ports.delete(80);
  const lost = code(all.request(NAME, { ...get('/a'), method: 'DELETE' }, { ...ANN, vm: vm.id }));
  for (const ms of [250, 1000]) {
    await sleep(5);
    clock.advance(ms);
  }
  assert.is(await lost, 'machine-failed');
});

services('a machine that cannot be started is told as such', async () => {
  const { services: all, vms } = await lab();
  vms.failure = new Error('no QEMU');
  assert.is(await code(all.start(NAME, JOIN, ANN)), 'machine-failed');
  await until(() => all.status().vms === 0);
  assert.is(vms.held, 0);
});

services('an image that is not there any more is told as such', async () => {
  const { services: all, vms } = await lab();
  vms.isGone = true;
  assert.is(await code(all.start(NAME, JOIN, ANN)), 'not-found');
});

services('stop during a start ends it', async () => {
  const { services: all, vms } = await lab();
  const gate = Promise.withResolvers<void>();
  vms.gate = gate.promise;
  const starting = code(all.start(NAME, JOIN, ANN));
  const stopping = all.stop(NAME);
  gate.resolve();
  assert.is(await starting, 'conflict');
  await stopping;
  assert.equal([all.status().vms, vms.running.length, vms.held], [0, 0, 0]);
});

services('remove ends the VMs and forgets the name', async () => {
  const { services: all, vms } = await lab();
  await all.start(NAME, JOIN, ANN);
  await all.remove(NAME);
  assert.equal([all.list(), vms.running.length], [[], 0]);
  for (const ask of [() => all.get(NAME), () => all.logs(NAME), () => all.renew(NAME, ANN)])
    assert.throws(ask, /name of a service/);
  assert.is(await code(all.request(NAME, get('/'), ANN)), 'service-unknown');
  assert.is(await code(all.remove(NAME)), 'service-unknown');
});

services('there is room for so many VMs', async () => {
  const { services: all } = await lab({ limits: { vms: 2 } });
  await all.start(NAME, OWN, ANN);
  await all.start(NAME, OWN, ANN);
  assert.is(await code(all.start(NAME, OWN, ANN)), 'at-capacity');
  await all.stop(NAME);
  assert.is(await code(all.start(NAME, OWN, ANN)), 'ok');
});

services('there is room for so much memory, as measured', async () => {
  const { services: all, vms } = await lab({ limits: { bytes: 200 * 1024 ** 2 } });
  await all.start(NAME, OWN, ANN);
  await until(() => all.status().bytes === 20 * 1024 ** 2);
  await all.start(NAME, OWN, ANN);
  vms.memoryMib = 512;
  const big = parseName('big');
  all.put(big, imageDigest('b'), serviceSpec());
  assert.is(await code(all.start(big, JOIN, ANN)), 'at-capacity');
  await until(() => all.status().vms === 2);
  assert.is(vms.held, 2);
});

services('VMs in which something is made take room, too', async () => {
  const { services: all } = await lab({ limits: { vms: 2, bytes: 300 * 1024 ** 2 } });
  const place = all.reserve(imageDigest('d'), 300);
  assert.equal([all.status().vms, all.status().bytes], [1, 214 * 1024 ** 2]);
  assert.is(await code((async () => all.reserve(imageDigest('e'), 300))()), 'at-capacity');
  assert.is(all.status().vms, 1, 'who is refused holds nothing');
  await all.start(NAME, OWN, ANN).catch(() => undefined);
  await place.release();
  await place.release();
  await all.stop(NAME);
  assert.equal([all.status().vms, all.status().bytes], [0, 0]);
});

services('after the end there are no VMs any more, and no starts', async () => {
  const { services: all, vms, events } = await lab();
  await all.start(NAME, JOIN, ANN);
  await all.close();
  await all.close();
  assert.equal([vms.running.length, events.at(-1)], [0, 'web drain']);
  assert.is(await code(all.start(NAME, JOIN, ANN)), 'draining');
});

services('who floods a raw port leaves connections to callers of HTTP', async () => {
  const limits = { leaseS: 600, diskMib: 1024, cpus: 1, connections: 8 };
  const { services: all } = await lab({}, { limits });
  const { vm } = await all.start(NAME, { mode: 'join', port: true }, ANN);
  const flood = Array.from({ length: 8 }, () => connect({ host: '127.0.0.1', port: vm.port! }));
  let closed = 0;
  for (const socket of flood) socket.on('error', () => undefined).on('close', () => (closed += 1));
  await until(() => closed === 2 && all.get(NAME).vms[0]!.connections >= 6);
  const answer = await all.request(NAME, get('/'), BOB);
  assert.is(await text(answer.body), 'GET / 2');
  for (const socket of flood) socket.destroy();
  await until(() => all.get(NAME).vms[0]!.connections <= 1);
  const socket = connect({ host: '127.0.0.1', port: vm.port! });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(String(await new Promise<Buffer>((resolve) => socket.once('data', resolve))), /^HTTP\/1\.1 200 /);
  socket.destroy();
});

services('a raw port leads to the server, and ends with the VM', async () => {
  const { services: all, vms } = await lab({}, { protocol: 'tcp' });
  const echo = await serveLocally(rawServer((socket) => socket.pipe(socket)));
  vms.ports.set(80, echo.port);
  const starting = all.start(NAME, { mode: 'join', port: true }, ANN);
  await until(() => vms.started.length === 1);
  await sleep(5);
  open!.clock.advance(200);
  const { vm } = await starting;
  assert.type(vm.port, 'number');
  assert.is((await all.start(NAME, { mode: 'join', port: true }, BOB)).vm.port, vm.port);
  assert.is(await code(all.request(NAME, get('/'), ANN)), 'conflict');
  const socket = connect({ host: '127.0.0.1', port: vm.port! });
  socket.write('to and fro');
  const [bytes] = await new Promise<Buffer[]>((resolve) => socket.once('data', (chunk) => resolve([chunk])));
  assert.is(String(bytes), 'to and fro');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.resume();
  await all.stop(NAME);
  await closed;
  const again = connect({ host: '127.0.0.1', port: vm.port! });
  assert.match(String(await new Promise((resolve) => again.once('error', resolve))), /ECONNREFUSED/);
  await echo.close();
});

services('a VM that was made otherwise stands for its name until it ends', async () => {
  const { services: all, vms, events } = await lab();
  const name = parseName('fresh');
  const spec = serviceSpec();
  const image = imageDigest('c');
  const adopt = (made: FunctionName) =>
    all.adopt(
      made,
      {
        ...{ image, spec, memoryMib: 128, via: 'overlay' },
        open: async (signal) => {
          const conditions = { memoryMib: 128 };
          void conditions;
          return vms.world.restore({} as never, { id: 'v', cpus: 1, growthBytes: 1, signal });
        },
      },
      ANN,
    );
  const { via, vm } = await adopt(name);
  assert.is(via, 'overlay');
  assert.equal(
    all.list().map((each) => each.name),
    ['fresh', 'web'],
  );
  assert.is((await all.start(name, JOIN, BOB)).vm.id, vm.id);
  await all.stop(name, vm.id);
  assert.equal(
    all.list().map((each) => each.name),
    ['web'],
  );
  const { vm: kept } = await adopt(name);
  all.put(name, imageDigest('d'), spec, { adoptedAs: image });
  const joined = await all.start(name, JOIN, BOB);
  assert.equal([joined.via, joined.vm.id, joined.vm.image], ['running', kept.id, imageDigest('d')]);
  all.put(name, image, spec, { adoptedAs: imageDigest('d') });
  assert.is((await all.start(name, JOIN, BOB)).via, 'running', 'what was put later is the VM that runs');
  await all.stop(name);
  assert.equal(
    all.list().map((each) => each.name),
    ['fresh', 'web'],
  );
  assert.ok(all.usesImage(image));
  assert.equal(events.slice(0, 2), ['fresh overlay', 'fresh stopped']);
});

services('the log has what the console says, and what was refused outside', async () => {
  const { services: all, vms, events } = await lab();
  const { vm } = await all.start(NAME, JOIN, ANN);
  vms.started[0]!.console.write('booted\r\nserving');
  const program = await vms.started[0]!.goOut();
  program.write('CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => program.once('data', resolve));
  await all.stop(NAME);
  await until(() => events.includes('web stopped'));
  await sleep(5);
  const lines = [];
  for await (const line of all.logs(NAME)) lines.push(`${line.invocation === vm.id} ${line.stream} ${line.text}`);
  assert.equal(
    lines.filter((line) => line.includes('console')),
    ['true console booted', 'true console serving'],
  );
  assert.match(lines.join('\n'), /true host "evil\.example:443": evil\.example:443 is not among the hosts/);
  assert.ok(events.includes('out refused'));
});

services('what is kept outlives the cloudlet', async () => {
  const { registry } = await lab();
  const again = new Services({
    records: registry.services,
    world: new FakeVms().world,
    policy: { http: 'none', privateNetworks: [] },
  });
  assert.equal(
    again.list().map(({ name, spec }) => [name, spec.readyMs]),
    [['web', 1000]],
  );
  await again.close();
});

services.run();

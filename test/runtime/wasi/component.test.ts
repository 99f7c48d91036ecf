// time limit: 240 s
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FieldEntry, IncomingHttp, WasiBackend } from '../../../runtime/wasi/index.ts';
import {
  createWasi,
  FileTree,
  fileImage,
  GuestExit,
  GuestTrap,
  memorySink,
  memorySource,
} from '../../../runtime/wasi/index.ts';
import { guest } from '../../support/guest.ts';
import { backend, PushSource, text, utf8, WindowSink } from './backend.ts';
import { type Instantiate, translate } from './component.ts';

const component = suite('real components');
const translated = new Map<string, Promise<Instantiate>>();

async function guestOf(name: string): Promise<Instantiate> {
  if (!translated.has(name))
    translated.set(
      name,
      guest(name).then((path) => translate(path)),
    );
  return translated.get(name)!;
}

/** Runs a command to its end; what it threw is in `error`. */
async function run(name: string, args: readonly string[], given: Partial<WasiBackend> = {}) {
  const instantiate = await guestOf(name);
  const [stdout, stderr] = [memorySink(1e6), memorySink(1e6)];
  const wasi = createWasi(backend({ arguments: ['guest', ...args], stdout, stderr, ...given }));
  let error: unknown = null;
  try {
    await instantiate(wasi.imports).run.run();
  } catch (caught) {
    error = caught;
  }
  wasi.close();
  return { error, stdout: text(stdout.bytes()), stderr: text(stderr.bytes()) };
}

component('a C program reads what it is given and nothing else', async () => {
  assert.is((await run('cat', [], { stdin: memorySource(utf8('in\nout\n')) })).stdout, 'in\nout\n');
  assert.is((await run('cat', ['args', 'a b', ''])).stdout, 'args\na b\n\n');
  assert.is((await run('cat', ['env'])).stdout, '');
  assert.is((await run('cat', ['env'], { environment: [['KEY', 'value']] })).stdout, 'KEY=value\n');
  assert.is((await run('cat', ['stderr', 'words'])).stderr, 'words\n');
});

component('a C program’s exit ends it', async () => {
  const { error } = await run('cat', ['exit', '1']);
  assert.instance(error, GuestExit);
  assert.is((error as GuestExit).exitCode, 1);
});

component('a C program reads the package’s files and is told that it cannot write them', async () => {
  const files = new FileTree({
    image: fileImage([['data/a.txt', utf8('packaged')]]),
    scratchBytes: 0,
    scratchNodes: 0,
  });
  assert.is((await run('cat', ['file', 'data/a.txt'], { files })).stdout, 'packaged');
  assert.match((await run('cat', ['file', '../etc/passwd'], { files })).stderr, /Operation not permitted/);
  assert.match((await run('cat', ['write', 'data/a.txt'], { files })).stderr, /Read-only file system/);
  assert.match((await run('cat', ['file', 'data/a.txt'])).stderr, /^data\/a.txt: /);
});

component('output that goes over its limit fails in the guest, not in the host', async () => {
  const { stderr, error } = await run('cat', [], {
    stdin: memorySource(new Uint8Array(200_000)),
    stdout: memorySink(100_000),
  });
  assert.is(stderr, '');
  assert.instance(error, GuestExit);
});

component(
  'a program that walks through the file calls sees what it sees on the stock shim over a real folder',
  async () => {
    const files = new FileTree({ scratchBytes: 1000, scratchNodes: 10 });
    const ours = await run('files', [], { files });
    assert.is(ours.error, null);
    assert.equal([files.usedBytes, files.usedNodes], [0, 0]);

    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-shim-'));
    const script = fileURLToPath(new URL('./stock-shim.ts', import.meta.url));
    try {
      const theirs = await promisify(execFile)(process.execPath, [script, await guest('files'), folder]);
      const [our, their] = [ours.stdout.split('\n'), theirs.stdout.split('\n')];
      const different = our.filter((line, at) => line !== their[at]);
      assert.equal(different, []);
      assert.is(our.length, their.length);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

component('a guest that waits for two clocks and then for input is suspended and resumed', async () => {
  const instantiate = await guestOf('waits');
  const [stdin, stdout] = [new PushSource(), memorySink(1000)];
  const wasi = createWasi(backend({ stdin, stdout }));
  const running = Promise.resolve(instantiate(wasi.imports).run.run());
  while (stdin.waits === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.is(text(stdout.bytes()), '1 of two clocks, the one named 2\n');
  stdin.push('came late\n');
  await running;
  assert.match(text(stdout.bytes()), /then came late\n$/);
});

component('a hundred guests wait at once on one thread, and closing one ends it alone', async () => {
  const instantiate = await guestOf('cat');
  const guests = Array.from({ length: 100 }, () => {
    const [stdin, stdout] = [new PushSource(), memorySink(1000)];
    const wasi = createWasi(backend({ stdin, stdout }));
    const ended = Promise.resolve(instantiate(wasi.imports).run.run()).catch((error: unknown) => error);
    return { stdin, stdout, wasi, ended };
  });
  guests[0]!.wasi.close();
  assert.instance(await guests[0]!.ended, GuestTrap);
  for (const [index, { stdin }] of guests.entries()) {
    stdin.push(`guest ${index}`);
    stdin.push(null);
  }
  for (const [index, { ended, stdout }] of guests.entries()) {
    if (index === 0) continue;
    assert.is(await ended, undefined);
    assert.is(text(stdout.bytes()), `guest ${index}`);
  }
});

function request(given: Partial<IncomingHttp> = {}): IncomingHttp {
  return {
    method: 'POST',
    scheme: 'http',
    authority: 'cloudlet.test',
    path: '/echo',
    headers: [],
    body: memorySource(new Uint8Array(0)),
    ...given,
  };
}

component('a JavaScript handler answers, and every resource comes back', async () => {
  const instantiate = await guestOf('hello-http');
  for (let round = 0; round < 3; round++) {
    const wasi = createWasi(backend());
    const sink = memorySink(1e6);
    let head: readonly FieldEntry[] | null = null;
    const exchange = wasi.incoming(request({ method: 'GET', path: '/' }), ({ status, headers }) => {
      assert.is(status, 200);
      head = headers;
      return sink;
    });
    await instantiate(wasi.imports).incomingHandler.handle(exchange.request, exchange.outparam);
    assert.ok(exchange.answered);
    assert.equal(await exchange.end, { kind: 'finished', trailers: [] });
    assert.ok(head);
    assert.match(text(sink.bytes()), /hello/i);
    wasi.close();
  }
});

component('an echo streams both ways and holds no more than the window', async () => {
  const instantiate = await guestOf('echo-http');
  const wasi = createWasi(backend());
  const [body, sink] = [new PushSource(), new WindowSink(1500)];
  const exchange = wasi.incoming(request({ body }), () => sink);
  const handled = instantiate(wasi.imports).incomingHandler.handle(exchange.request, exchange.outparam);
  let sent = '';
  for (let chunk = 0; chunk < 20; chunk++) {
    const piece = `${chunk}`.padStart(4, '.').repeat(1000);
    body.push(piece);
    sent += piece;
    // Nothing more is pushed before this chunk is through: it is streamed, not collected.
    while (sink.text.length < sent.length) {
      sink.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sink.most <= sink.window);
  }
  body.push(null);
  const drained = setInterval(() => sink.drain(), 1);
  await handled;
  clearInterval(drained);
  assert.equal(await exchange.end, { kind: 'finished', trailers: [] });
  assert.is(sink.text, sent);
  assert.is(sink.most, sink.window);
  wasi.close();
});

component('an echo whose caller leaves comes to its end', async () => {
  const instantiate = await guestOf('echo-http');
  const wasi = createWasi(backend());
  const [body, sink] = [new PushSource(), new WindowSink(0)];
  const exchange = wasi.incoming(request({ body }), () => sink);
  const handled = instantiate(wasi.imports)
    .incomingHandler.handle(exchange.request, exchange.outparam)
    .catch((error: unknown) => error);
  body.push('never taken');
  await new Promise((resolve) => setImmediate(resolve));
  wasi.close();
  assert.instance(await handled, Error);
  assert.is.not((await exchange.end).kind, 'finished');
});

component.run();

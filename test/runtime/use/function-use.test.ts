import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyGrant, parseName } from '../../../guest-sdk/protocol/index.ts';
import { OutsideRefusal, type OutsideService } from '../../../runtime/outside/outside-service.ts';
import type { UseMessage } from '../../../runtime/sandbox/index.ts';
import { FunctionUse } from '../../../runtime/use/function-use.ts';
import { FunctionUses } from '../../../runtime/use/function-uses.ts';
import { discardSink, emptySource } from '../../../runtime/wasi/index.ts';

const uses = suite('the use of a function');

const MESSAGE: UseMessage = {
  ...{ files: [], environment: false, arguments: false, configuration: [], dropped: 0 },
  ...{ scratchBytes: 0, memoryBytes: 0, cpuMs: null },
};

function open() {
  const notes: string[] = [];
  const use = new FunctionUse({
    note: (_, text) => notes.push(text),
    changed: () => {},
    stored: () => ({ keyValueBytes: 5, blobBytes: 6 }),
  });
  return { use, notes };
}

async function ask(
  use: FunctionUse,
  name: string,
  args: unknown,
  does: OutsideService = async () => ({ value: null }),
) {
  const request = { args, source: emptySource, sink: discardSink, signal: new AbortController().signal };
  await use
    .service(
      name,
      does,
    )(request)
    .catch(() => {});
}

uses('notes what was looked for in vain, each thing once and no more than some', () => {
  const { use, notes } = open();
  use.guest('i', {
    ...MESSAGE,
    files: [
      ['/m', 'missing'],
      ['/r', 'read-only'],
      ['/ok', 'read'],
    ],
  });
  use.guest('i', { ...MESSAGE, files: [['/m', 'missing']], configuration: [['k', false]] });
  assert.is(notes.length, 3);
  assert.match(notes[0]!, /^\/m is not in the package: run npx cloudlet trace --learn -- …, or add it to "files"/);
  assert.match(notes[1]!, /^\/r cannot be written: .* to "scratch"/);
  assert.match(notes[2]!, /^the configuration has no "k"/);
  for (let at = 0; at < 1000; at += 1) use.guest('i', { ...MESSAGE, files: [[`/${at}`, 'missing']] });
  assert.is(notes.length, 32);
  assert.is(use.use.files.missing.length, 256);
});

const SENT = { method: 'GET', scheme: 'https', path: '/', headers: [], body: false };
const END = { address: Uint8Array.of(192, 0, 2, 1), port: 5432 };

uses('has the hosts that it asked by name, what was refused, and its stores', async () => {
  const { use } = open();
  await ask(use, 'http.send', { ...SENT, authority: 'API.example.org' });
  await ask(use, 'http.send', { ...SENT, authority: 'api.example.org:8443', method: 'POST' });
  await ask(use, 'http.send', { ...SENT, authority: 'no.example' }, async () => {
    throw new OutsideRefusal('HTTP-request-denied', 'no');
  });
  await ask(use, 'dns.resolve', { name: 'db.example.org' }, async () => ({ value: [END.address] }));
  await ask(use, 'tcp.connect', { remote: END, binding: null });
  await ask(use, 'keyvalue.get', {});
  await ask(use, 'http.send', 'nonsense');
  assert.is(use.denied('http.send', { ...SENT, authority: 'none.example' }), 'http none.example');
  assert.equal(use.use.http, [
    { host: 'api.example.org', methods: ['GET'] },
    { host: 'api.example.org:8443', methods: ['POST'] },
  ]);
  assert.equal(use.use.sockets, { tcp: ['db.example.org:5432'], udp: [], lookup: ['db.example.org'], listen: false });
  assert.equal(use.use.denied, ['http no.example', 'http none.example']);
  assert.equal(use.use.stores, { keyvalueBytes: 5, blobBytes: null });
});

uses('is kept over restarts by version, and a torn file costs what it had', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-uses-'));
  const warnings: string[] = [];
  const name = parseName('f');
  const openAll = () =>
    FunctionUses.open({
      ...{ directory, isFunction: (each) => each === 'f', log: () => {} },
      ...{ stored: () => ({ keyValueBytes: 0, blobBytes: 0 }), unkept: (sentence) => warnings.push(sentence) },
    });
  try {
    const before = openAll();
    assert.is(before.info(name, 'one', emptyGrant()), undefined);
    before.of(name, 'one').begun();
    before.of(name, 'one').guest('i', { ...MESSAGE, files: [['/m', 'missing']] });
    before.close();
    await writeFile(join(directory, 'gone.json'), '{}');
    const after = openAll();
    assert.equal(after.info(name, 'one', emptyGrant())?.seen.files.missing, ['/m']);
    assert.is(after.info(name, 'two', emptyGrant()), undefined);
    await readFile(join(directory, 'gone.json')).then(
      () => assert.unreachable(),
      () => {},
    );
    after.close();
    await writeFile(join(directory, 'f.json'), '{ "format": 1, "ver');
    assert.is(openAll().info(name, 'one', emptyGrant()), undefined);
    assert.match(warnings.join(), /what "f" used before cannot be read/);
    after.remove(name);
  } finally {
    await rm(directory, { recursive: true });
  }
});

uses.run();

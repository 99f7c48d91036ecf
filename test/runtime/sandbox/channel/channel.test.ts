import { open as openFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { SLOTS } from '../../../../runtime/agent/bulk-slots.ts';
import {
  bulkPart,
  CHUNK_BYTES,
  encodeBulk,
  encodeDone,
  encodeFrame,
  encodeHead,
  encodeMessage,
  FIRST_EPOCH,
  INLINE_BYTES,
  WINDOW_BYTES,
  WIRE_VERSION,
} from '../../../../runtime/agent/wire.ts';
import { openBulkFile } from '../../../../runtime/machine/bulk-file.ts';
import type { Call, CallInput } from '../../../../runtime/sandbox/channel/call.ts';
import { Channel } from '../../../../runtime/sandbox/channel/channel.ts';
import { FAKE_WORKERS, FakeAgent } from '../../../support/fake-machine.ts';
import { codeOf, RUN } from '../../../support/pool-lab.ts';
import { SeededRandom } from '../../../support/random.ts';
import { socketPair } from '../../../support/socket-pair.ts';

const HTTP = { door: 'http', method: 'GET', scheme: 'http', authority: 'a', path: '/', headers: [] } as const;

interface Fixture {
  readonly channel: Channel;
  readonly agent: FakeAgent;
  readonly near: Socket;
  readonly far: Socket;
}

const opened: Fixture[] = [];

async function open(): Promise<Fixture> {
  const [near, far] = await socketPair();
  const { lines, farLines } = linePairs();
  const fixture = { channel: new Channel({ channel: near, lines }), agent: new FakeAgent(far, farLines), near, far };
  opened.push(fixture);
  await fixture.channel.ready;
  return fixture;
}

/** Both ends of the lines of some workers. */
function linePairs(workers = FAKE_WORKERS) {
  const pairs = Array.from({ length: workers }, () => duplexPair());
  return { lines: pairs.map(([line]) => line), farLines: pairs.map(([, line]) => line) };
}

const invoke = (channel: Channel, input: CallInput = new Uint8Array(0)): Call =>
  channel.invoke(RUN, input, 1000, () => {});

async function read(call: Call): Promise<string> {
  let text = '';
  for await (const bytes of call.output) text += Buffer.from(bytes).toString();
  return text;
}

const channel = suite('a channel');

channel.after.each(() => {
  for (const { channel, far } of opened.splice(0)) {
    channel.close('the test is over');
    far.destroy();
  }
});

channel('says what the agent says of itself', async () => {
  const fixture = await open();
  assert.is((await fixture.channel.ready).workers, 4);
});

channel('sends a small input with the request and a large one as a body', async () => {
  const { channel, agent } = await open();
  const small = invoke(channel, Buffer.alloc(INLINE_BYTES, 'a'));
  const fake = await agent.next();
  assert.is(fake.message.input?.length, INLINE_BYTES);
  fake.done();
  await small.done;
  const large = invoke(channel, Buffer.alloc(INLINE_BYTES + 1, 'b'));
  const other = await agent.next();
  assert.is(other.message.input, null);
  assert.is((await other.input()).length, INLINE_BYTES + 1);
  other.done();
  await large.done;
});

channel('keeps many invocations apart', async () => {
  const { channel, agent } = await open();
  const calls = ['a', 'b', 'c'].map((name) =>
    channel.invoke({ door: 'run', arguments: [name] }, new Uint8Array(0), 1000, () => {}),
  );
  const fakes = [await agent.next(), await agent.next(), await agent.next()];
  for (const part of ['1', '2']) {
    for (const fake of fakes.toReversed())
      fake.write(`${fake.message.door === 'run' && fake.message.arguments[0]}${part} `);
  }
  for (const fake of fakes) fake.done();
  assert.equal(await Promise.all(calls.map(read)), ['a1 a2 ', 'b1 b2 ', 'c1 c2 ']);
});

channel('sends no more of an input than the agent gave credit for', async () => {
  const [near, agentEnd] = await socketPair();
  const [line, far] = await socketPair();
  const channel = new Channel({ channel: near, lines: [line] });
  agentEnd.write(encodeFrame('ready', 0, encodeMessage({ wire: WIRE_VERSION, node: '', workers: 1 })));
  far.write(encodeFrame('mark', 0, FIRST_EPOCH));
  let bodyBytes = 0;
  const window = Promise.withResolvers<void>();
  far.on('data', (bytes) => {
    bodyBytes += bytes.length;
    if (bodyBytes >= WINDOW_BYTES) window.resolve();
  });
  let asked = 0;
  async function* input() {
    for (;;) {
      asked += 1;
      yield new Uint8Array(CHUNK_BYTES);
    }
  }
  const call = invoke(channel, input());
  await window.promise;
  await new Promise(setImmediate);
  assert.ok(bodyBytes < WINDOW_BYTES + 1024, String(bodyBytes));
  assert.is(asked, WINDOW_BYTES / CHUNK_BYTES + 1);
  far.write(encodeFrame('credit', call.id, encodeMessage({ bytes: CHUNK_BYTES })));
  far.write(encodeFrame('done', call.id, encodeDone({ kind: 'ok', exitCode: 0, runMs: 0 })));
  await call.done;
  channel.close('the test is over');
  far.destroy();
  agentEnd.destroy();
});

channel('gives credit as the reader takes the output, not as it comes', async () => {
  const { channel, agent } = await open();
  const call = invoke(channel);
  const fake = await agent.next();
  for (let sent = 0; sent < WINDOW_BYTES; sent += CHUNK_BYTES) agent.send('body', fake.id, new Uint8Array(CHUNK_BYTES));
  await call.began;
  await channel.ping();
  assert.is(agent.creditBytes, 0);
  let taken = 0;
  for await (const bytes of call.output) {
    taken += bytes.length;
    if (taken === WINDOW_BYTES) fake.done();
  }
  await channel.ping();
  assert.ok(agent.creditBytes >= WINDOW_BYTES * 0.75, String(agent.creditBytes));
});

channel('loads a component in frames and gives the answer', async () => {
  const { channel } = await open();
  const message = {
    program: 'p',
    glueBytes: 3,
    modules: [],
    reuse: null,
    run: null,
    http: null,
    functions: [],
    environment: [],
    arguments: [],
    configuration: [],
    valueBytes: 1,
    cpuMs: 1000,
    memoryMib: 256,
    limits: {},
    files: null,
  };
  assert.is((await channel.load(message, [Buffer.from('abc'), new Uint8Array(200_000)])).error, undefined);
});

channel('tells an http head before the body, and trailers at the end', async () => {
  const { channel, agent } = await open();
  const call = channel.invoke(HTTP, new Uint8Array(0), 1000, () => {});
  const fake = await agent.next();
  agent.say('head', fake.id, { status: 201, headers: [['x-a', Buffer.from('b')]] });
  assert.is((await call.began)?.status, 201);
  fake.write('body');
  agent.say('done', fake.id, { kind: 'ok', exitCode: 0, runMs: 1, trailers: [['x-t', Buffer.from('z')]] });
  assert.is(await read(call), 'body');
  assert.is((await call.done).trailers?.[0]?.[0], 'x-t');
});

channel('cancels what its caller gives up, and knows when the agent has ended it', async () => {
  const { channel, agent } = await open();
  const call = invoke(channel);
  const fake = await agent.next();
  call.fail(new CloudletError('client-closed', 'left'));
  assert.is(await codeOf(call.done), 'client-closed');
  await fake.cancelled;
  let confirmed = false;
  void call.confirmed.then(() => {
    confirmed = true;
  });
  fake.write('too late');
  await channel.ping();
  assert.not(confirmed);
  fake.fail('client-closed');
  await call.confirmed;
});

channel('stops reading an input that nobody wants any more', async () => {
  const { channel, agent } = await open();
  const returned = Promise.withResolvers<void>();
  async function* input() {
    try {
      for (;;) yield new Uint8Array(1000);
    } finally {
      returned.resolve();
    }
  }
  const call = invoke(channel, input());
  (await agent.next()).done();
  await call.done;
  await returned.promise;
});

for (const [what, code] of [
  ['one that an agent may give', 'deadline-exceeded'],
  ['one that only a cloudlet may give', 'unauthorized'],
  ['an unknown one', 'no-such-code'],
] as const) {
  channel(`takes a code from the agent: ${what}`, async () => {
    const { channel, agent } = await open();
    const call = invoke(channel);
    (await agent.next()).fail(code);
    assert.is(await codeOf(call.done), code === 'deadline-exceeded' ? code : 'machine-failed');
  });
}

for (const [what, harm] of [
  ['closes its end', ({ far }: Fixture) => far.end()],
  ['sends what is no frame', ({ far }: Fixture) => far.write('HTTP/1.1 200 OK\r\n\r\n')],
  [
    'speaks of an invocation that is not there',
    ({ agent }: Fixture) => agent.say('done', 99, { kind: 'ok', exitCode: 0, runMs: 0 }),
  ],
  ['sends a frame of the host', ({ agent }: Fixture) => agent.send('cancel', 1, new Uint8Array(0))],
  [
    'sends a message of another shape',
    ({ agent }: Fixture) => agent.say('done', 1, { kind: 'ok', exitCode: 0.5, runMs: 0 }),
  ],
  ['sends a status that is none', ({ agent }: Fixture) => agent.say('head', 1, { status: 99, headers: [] })],
  ['gives credit for what was not sent', ({ agent }: Fixture) => agent.say('credit', 1, { bytes: 1 })],
  [
    'sends more than it has credit for',
    ({ agent }: Fixture) => {
      for (let sent = 0; sent <= WINDOW_BYTES; sent += CHUNK_BYTES) agent.send('body', 1, new Uint8Array(CHUNK_BYTES));
    },
  ],
] as const) {
  channel(`fails everything that is pending when the agent ${what}`, async () => {
    const fixture = await open();
    const call = invoke(fixture.channel);
    await fixture.agent.next();
    const ping = fixture.channel.lost.then((loss) => loss.code);
    harm(fixture);
    assert.is(await codeOf(call.done), 'machine-failed');
    await call.confirmed;
    assert.is(await ping, 'machine-failed');
    assert.throws(
      () => invoke(fixture.channel),
      (error: unknown) => error instanceof CloudletError,
    );
  });
}

channel('takes a slot of the disk again only when its freed frame has left', async () => {
  const file = await openBulkFile(bulkPart(1 + FAKE_WORKERS));
  const [near, far] = await socketPair();
  const { lines, farLines } = linePairs();
  const channel = new Channel({ channel: near, lines, bulkFd: file.fd });
  const agent = new FakeAgent(far, farLines);
  await channel.ready;
  const call = invoke(channel);
  const { id } = await agent.next();
  const bulk = encodeFrame('bulk', id, encodeBulk(SLOTS, 1));
  for (let times = 0; times < 3; times += 1) {
    agent.sendBytes(bulk, agent.lineOf(id));
    await channel.ping();
  }
  // In one chunk: an agent that had waited for the answer to the first could not have said the second.
  agent.sendBytes(Buffer.concat([bulk, bulk]), agent.lineOf(id));
  assert.match((await channel.lost).message, `expected a slot that is free, got slot ${SLOTS} again`);
  assert.is(await codeOf(call.done), 'machine-failed');
  far.destroy();
  await file.close();
});

channel('is lost, and not the host, when the disk cannot be read', async () => {
  const folder = await openFile(tmpdir());
  const [near, far] = await socketPair();
  const { lines, farLines } = linePairs();
  const channel = new Channel({ channel: near, lines, bulkFd: folder.fd });
  const agent = new FakeAgent(far, farLines);
  const call = invoke(channel);
  agent.send('bulk', (await agent.next()).id, encodeBulk(SLOTS, 1));
  assert.match((await channel.lost).message, 'expected a disk that can be read: EISDIR');
  assert.is(await codeOf(call.done), 'machine-failed');
  far.destroy();
  await folder.close();
});

channel('gives up an agent that sends and does not read', async () => {
  const { channel, agent, near, far } = await open();
  far.pause();
  for (let times = 0; times < 17; times += 1) near.write(encodeFrame('ping', 0, new Uint8Array(1_000_000)));
  agent.send('pong', 1, new Uint8Array(0));
  assert.match((await channel.lost).message, 'the agent sends, and has not read');
});

channel('gives up an agent whose worker sends and does not read', async () => {
  const [near, far] = await socketPair();
  const [line, farLine] = await socketPair();
  const channel = new Channel({ channel: near, lines: [line] });
  const agent = new FakeAgent(far, [farLine], { workers: 1 });
  const call = invoke(channel);
  const { id } = await agent.next();
  farLine.pause();
  for (let at = 0; at < 17; at += 1) line.write(encodeFrame('body', id, new Uint8Array(1_000_000)));
  agent.say('log', id, { stream: 'stderr', text: 'x' });
  assert.match((await channel.lost).message, 'bytes unread');
  assert.is(await codeOf(call.done), 'machine-failed');
  far.destroy();
  farLine.destroy();
});

channel('survives an agent that sends anything', async () => {
  const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now()));
  let rounds = 0;
  try {
    for (; rounds < 200; rounds += 1) {
      const [near, far] = duplexPair();
      const { lines, farLines } = linePairs();
      const channel = new Channel({ channel: near, lines });
      const agent = new FakeAgent(far, farLines);
      await channel.ready;
      const calls = [invoke(channel), channel.invoke(HTTP, new Uint8Array(0), 1000, () => {})];
      const ids = [1, 2, 3, random.below(10)];
      for (let frames = random.below(6); frames > 0; frames -= 1) {
        const payload = random.pick([
          encodeDone({ kind: 'ok', exitCode: 0, runMs: 1 }),
          encodeHead({ status: 200, headers: [['a', random.bytes(2)]] }),
          encodeMessage({ stream: 'stderr', text: 'x' }),
          encodeMessage({ bytes: random.below(3) }),
        ]);
        const frame = encodeFrame(
          random.pick(['head', 'body', 'done', 'log', 'credit', 'pong', 'loaded', 'ready']),
          random.pick(ids),
          payload,
        );
        agent.sendBytes(random.below(3) === 0 ? random.mutate(frame) : frame);
      }
      far.end();
      await channel.lost;
      // Whatever came, everyone who waits has an end.
      for (const call of calls) {
        await call.confirmed;
        await call.done.catch((error: unknown) => assert.instance(error, CloudletError));
      }
      far.destroy();
    }
  } catch (error) {
    throw new Error(`seed ${random.seed}, round ${rounds}`, { cause: error });
  }
});

channel.run();

import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { RelayConnection } from '../../../../runtime/vm/relay/relay-connection.ts';
import {
  HOST_STREAMS,
  type Kind,
  LEAST_CREDIT_BYTES,
  MAX_PAYLOAD_BYTES,
  OWN_ID,
  OWN_STREAMS,
  STEP_BYTES,
  WINDOW_BYTES,
} from '../../../../runtime/vm/relay/wire.ts';
import { FakeRelay, relayPair } from '../../../support/fake-relay.ts';

const relay = suite('a relay');

/** The pair, with a connection that the guest took. */
async function connected() {
  const pair = await relayPair();
  const connecting = pair.connection.connect(80);
  const { id, payload } = await pair.guest.next('connect');
  assert.is(payload.readUInt32LE(), 80);
  pair.guest.say('connected', id);
  return { ...pair, id, stream: await connecting };
}

const failureOf = async (promise: Promise<unknown>): Promise<CloudletError> => {
  const outcome = await promise.catch((error: unknown) => error);
  assert.instance(outcome, Error, 'it did not fail');
  return outcome as CloudletError;
};

const next = (stream: Duplex, event: string) => new Promise<unknown>((resolve) => stream.once(event, resolve));
/** After what was written has gone to the other side, and what that answered has come. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

relay('tells its guest that there is a new host, and waits for the answer', async () => {
  const [near, far] = duplexPair();
  const connection = new RelayConnection(near, () => undefined);
  const guest = new FakeRelay(far);
  assert.is((await guest.next('reset')).payload.readUInt32LE(), 1);
  guest.say('ready', 0, 1);
  await connection.ready;
});

relay('carries bytes both ways, and both ends', async () => {
  const { guest, id, stream } = await connected();
  stream.write('question');
  assert.is((await guest.next('data')).payload.toString(), 'question');
  guest.say('data', id, Buffer.from('answer'));
  assert.is(String(await next(stream, 'data')), 'answer');
  stream.end();
  await guest.next('end');
  guest.say('data', id, Buffer.from('more'));
  assert.is(String(await next(stream, 'data')), 'more');
  guest.say('end', id);
  await next(stream, 'end');
  guest.say('closed', id);
  await settled();
  assert.equal(guest.unasked, []);
});

relay('that nobody listens behind is not ready: the guest says so', async () => {
  const { connection, guest } = await relayPair();
  const connecting = connection.connect(8080);
  guest.say('refused', (await guest.next('connect')).id, 111);
  const error = await failureOf(connecting);
  assert.is(error.code, 'not-ready');
  assert.match(error.message, 'a program that listens at port 8080 of the VM, got error 111');
});

relay('gives up a connection when the caller does', async () => {
  const { connection, guest } = await relayPair();
  const stop = new AbortController();
  const connecting = connection.connect(80, stop.signal);
  const { id } = await guest.next('connect');
  stop.abort(new Error('changed my mind'));
  assert.is((await failureOf(connecting)).message, 'changed my mind');
  assert.is((await guest.next('abort')).id, id);
  // It had taken it already, and sent something: that is late, and nothing else.
  guest.say('connected', id);
  guest.say('data', id, Buffer.from('late'));
  const again = connection.connect(80);
  const second = await guest.next('connect');
  assert.is.not(second.id, id);
  assert.is(second.id % HOST_STREAMS, id % HOST_STREAMS, 'the place is used again');
  guest.say('connected', second.id);
  await again;
});

relay('destroys a stream at both ends', async () => {
  const { guest, id, stream } = await connected();
  stream.destroy();
  assert.is((await guest.next('abort')).id, id);
});

relay('tells of a connection that was reset inside', async () => {
  const { guest, id, stream } = await connected();
  const failed = next(stream, 'error');
  guest.say('abort', id);
  assert.match(((await failed) as Error).message, 'reset inside the VM');
});

relay('sends no more than it was given credit for', async () => {
  const { guest, id, stream } = await connected();
  const bytes = Buffer.alloc(WINDOW_BYTES + 1000, 'x');
  stream.end(bytes);
  let got = 0;
  while (got < WINDOW_BYTES) got += (await guest.next('data')).payload.length;
  await settled();
  assert.equal(guest.unasked, []);
  guest.say('credit', id, LEAST_CREDIT_BYTES);
  got += (await guest.next('data')).payload.length;
  assert.is(got, bytes.length);
  await guest.next('end');
});

relay('gives credit for what was read, and a stream that nobody reads holds up no other', async () => {
  const { connection, guest, id, stream } = await connected();
  const piece = Buffer.alloc(LEAST_CREDIT_BYTES, 'y');
  for (let sent = 0; sent < WINDOW_BYTES; sent += piece.length) guest.say('data', id, piece);
  await settled();
  assert.equal(guest.unasked, [], 'nobody reads');

  const other = connection.connect(81);
  const second = await guest.next('connect');
  guest.say('connected', second.id);
  const fast = await other;
  fast.on('data', () => undefined);
  for (let round = 0; round < 3; round++) {
    guest.say('data', second.id, piece);
    assert.equal(await guest.next('credit').then(({ id, payload }) => [id, payload.readUInt32LE()]), [
      second.id,
      piece.length,
    ]);
  }
  stream.resume();
  let credit = 0;
  while (credit < WINDOW_BYTES) {
    const frame = await guest.next('credit');
    assert.is(frame.id, id);
    credit += frame.payload.readUInt32LE();
  }
});

relay('counts many small pieces in steps', async () => {
  const { guest, id, stream, broken } = await connected();
  for (let piece = 0; piece < WINDOW_BYTES / STEP_BYTES; piece++) guest.say('data', id, Buffer.from('z'));
  await settled();
  assert.equal(broken, []);
  assert.is(stream.readableLength, WINDOW_BYTES / STEP_BYTES);
  guest.say('data', id, Buffer.from('z'));
  await settled();
  assert.match(broken[0]!, 'expected at most 0 bytes in a stream, got 1');
});

relay('runs a command: its environment, its input, its output, its status', async () => {
  const { connection, guest } = await relayPair();
  const said: string[] = [];
  const running = connection.run({
    command: 'sort',
    environment: { A: 'b', C: 'd=e' },
    input: (async function* () {
      yield Buffer.from('two\n');
      yield Buffer.from('one\n');
    })(),
    output: (bytes) => said.push(Buffer.from(bytes).toString()),
  });
  const { id, payload } = await guest.next('run');
  assert.is(payload.toString('latin1'), '\0sort\0A=b\0C=d=e\0');
  assert.is((await guest.next('data')).payload.toString(), 'two\n');
  assert.is((await guest.next('data')).payload.toString(), 'one\n');
  await guest.next('end');
  guest.say('data', id, Buffer.from('one\ntwo\n'));
  guest.say('exited', id, 3);
  assert.is(await running, 3);
  assert.is(said.join(''), 'one\ntwo\n');
  assert.equal(guest.unasked, []);
});

relay('runs a command without input, and one that takes none of it', async () => {
  const { connection, guest } = await relayPair();
  const first = connection.run({ command: 'true' });
  const { id } = await guest.next('run');
  await guest.next('end');
  guest.say('exited', id, 0);
  assert.is(await first, 0);

  let isReturned = false;
  const endless = (async function* () {
    try {
      for (;;) yield Buffer.alloc(1000);
    } finally {
      isReturned = true;
    }
  })();
  const second = connection.run({ command: 'false', input: endless });
  guest.say('exited', (await guest.next('run')).id, 1);
  assert.is(await second, 1);
  await settled();
  assert.ok(isReturned, 'its input is closed');
});

relay('kills a command when the caller gives it up', async () => {
  const { connection, guest } = await relayPair();
  const stop = new AbortController();
  const running = connection.run({ command: 'sleep 60', signal: stop.signal });
  const { id } = await guest.next('run');
  await guest.next('end');
  stop.abort(new Error('enough'));
  assert.is((await failureOf(running)).message, 'enough');
  assert.is((await guest.next('abort')).id, id);
});

relay('fails a command whose input fails', async () => {
  const { connection, guest } = await relayPair();
  const input = (async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x');
    throw new Error('the upload broke off');
  })();
  const running = connection.run({ command: 'cat', input });
  await guest.next('run');
  assert.is((await failureOf(running)).message, 'the upload broke off');
});

relay('does not send a command that no frame can hold', async () => {
  const { connection, guest } = await relayPair();
  const error = await failureOf(connection.run({ command: 'x'.repeat(MAX_PAYLOAD_BYTES) }));
  assert.is(error.code, 'request-invalid');
  assert.match(error.message, 'send a script as its input');
  assert.equal(guest.unasked, []);
});

relay('gives what programs want out to who takes it, and refuses it when nobody does', async () => {
  const { connection, guest } = await relayPair();
  guest.say('open', OWN_ID + 1);
  assert.is((await guest.next('abort')).id, OWN_ID + 1);

  const taken: Duplex[] = [];
  connection.onOutgoing((stream) => taken.push(stream));
  assert.is((await guest.next('listen')).payload.readUInt32LE(), 1);
  guest.say('open', OWN_ID + 2);
  guest.say('data', OWN_ID + 2, Buffer.from('CONNECT'));
  await settled();
  assert.is(String(taken[0]!.read()), 'CONNECT');
  taken[0]!.end('OK');
  assert.is((await guest.next('data')).payload.toString(), 'OK');
  await guest.next('end');
  guest.say('end', OWN_ID + 2);
  taken[0]!.resume();
  await settled();
  // Its id is free when both ends have ended.
  guest.say('open', OWN_ID + 2);
  await settled();
  assert.is(taken.length, 2);

  connection.onOutgoing(null);
  assert.is((await guest.next('listen')).payload.readUInt32LE(), 0);
});

relay('is still once it was asked to be and no connection is open', async () => {
  const { connection, guest, id, stream } = await connected();
  const refused = await failureOf(connection.quiesce(undefined, 0));
  assert.match(refused.message, 'expected no open connection and no command in a VM');
  stream.end();
  await guest.next('end');
  guest.say('end', id);
  stream.resume();
  await next(stream, 'end');
  const quiet = connection.quiesce();
  assert.ok((await guest.nextQuiesce()) > 4 * 2 ** 20, 'the kernel keeps 4 MiB of what came last');
  guest.say('closed', id);
  guest.say('quiet');
  await quiet;
});

relay('waits for a connection whose other side ends a little later, and for none that was left', async () => {
  const { connection, guest, id, stream } = await connected();
  stream.end();
  await guest.next('end');
  stream.resume();
  const quiet = connection.quiesce();
  guest.say('end', id);
  await guest.nextQuiesce();
  guest.say('closed', id);
  guest.say('quiet');
  await quiet;

  const left = await connected();
  left.stream.destroy();
  await left.guest.next('abort');
  const still = left.connection.quiesce(undefined, 0);
  await left.guest.nextQuiesce();
  left.guest.say('closed', left.id);
  left.guest.say('quiet');
  await still;
});

relay('leaves a server running when it is asked to be still, and drops what programs have open', async () => {
  const { connection, guest } = await relayPair();
  connection.onOutgoing(() => undefined);
  await guest.next('listen');
  guest.say('open', OWN_ID);
  const server = connection.run({ command: 'serve', detached: true });
  const { payload, id } = await guest.next('run');
  assert.is(payload[0], 1);
  const quiet = connection.quiesce();
  await guest.next('listen');
  assert.is((await guest.next('abort')).id, OWN_ID);
  await guest.nextQuiesce();
  guest.say('quiet');
  await quiet;
  guest.say('exited', id, 1);
  assert.is(await server, 1);
});

relay('has so many places, and says when they are taken', async () => {
  const { connection, guest } = await relayPair();
  const all = Array.from({ length: HOST_STREAMS }, () => connection.connect(1));
  const error = await failureOf(connection.connect(1));
  assert.is(error.code, 'at-capacity');
  const ids: number[] = [];
  for (const _ of all) ids.push((await guest.next('connect')).id);
  assert.is(new Set(ids.map((id) => id % HOST_STREAMS)).size, HOST_STREAMS);
  for (const id of ids) guest.say('refused', id, 111);
  await Promise.allSettled(all);
  const free = connection.connect(1);
  guest.say('connected', (await guest.next('connect')).id);
  await free;
});

relay('whose VM ends fails what waits and ends what is open', async () => {
  const { connection, stream, broken, near } = await connected();
  const failed = next(stream, 'error');
  const waiting = [
    connection.connect(1),
    connection.run({ command: 'sleep' }),
    connection.quiesce().catch(() => connection.connect(2)),
  ];
  near.destroy();
  for (const error of await Promise.all(waiting.map(failureOf))) assert.is(error.code, 'machine-failed');
  assert.match(((await failed) as Error).message, 'the VM ended');
  assert.is((await failureOf(connection.connect(1))).message, 'the VM ended');
  assert.equal(broken, []);
});

/** What a guest may not say, after it took the connection `id`. */
const AGAINST: readonly (readonly [what: string, say: (guest: FakeRelay, id: number) => void, complaint: string])[] = [
  [
    'that it is ready once more',
    (guest) => guest.say('ready', 0, 1),
    'expected ready as the first frame and no other, got ready',
  ],
  ['a frame of a host', (guest) => guest.say('reset', 0, 1), 'got reset'],
  ['that it is quiet unasked', (guest) => guest.say('quiet'), 'got quiet unasked'],
  ['that a connection connected twice', (guest, id) => guest.say('connected', id), 'of a connection, got connected'],
  ['that a connection exited', (guest, id) => guest.say('exited', id, 0), 'of a connection, got exited'],
  [
    'that a connection closed that goes on',
    (guest, id) => guest.say('closed', id),
    'expected the end of a stream in both directions',
  ],
  ['no bytes', (guest, id) => guest.say('data', id), 'expected bytes before the end'],
  [
    'bytes after the end',
    (guest, id) => {
      guest.say('end', id);
      guest.say('data', id, Buffer.from('x'));
    },
    'expected bytes before the end',
  ],
  [
    'two ends',
    (guest, id) => {
      guest.say('end', id);
      guest.say('end', id);
    },
    'expected one end of a stream, got two',
  ],
  [
    'credit for nothing',
    (guest, id) => guest.say('credit', id, LEAST_CREDIT_BYTES),
    'expected credit for 16384 to 0 bytes',
  ],
  [
    'credit that is no number',
    (guest, id) => guest.say('credit', id, Buffer.alloc(3)),
    'expected 4 bytes in a frame credit',
  ],
  [
    'something of a stream that never was',
    (guest) => guest.say('data', 77, Buffer.from('x')),
    'expected a frame of a stream that is open, got data of 77',
  ],
  [
    'that a program opened a stream of the host',
    (guest) => guest.say('open', 5),
    'expected a new id of a stream, got 5',
  ],
  [
    'bytes that are no frame',
    (guest) => guest.port.write(Buffer.alloc(8, 0xff)),
    'expected a frame, got one of kind 255',
  ],
];
for (const [what, say, complaint] of AGAINST) {
  relay(`is broken by a guest that says ${what}`, async () => {
    const { connection, guest, id, stream, broken, near } = await connected();
    const closed = next(stream, 'close');
    say(guest, id);
    await closed;
    assert.is(broken.length, 1);
    assert.match(broken[0]!, 'the VM broke the protocol of its relay: ');
    assert.match(broken[0]!, complaint);
    assert.ok(near.destroyed);
    assert.is((await failureOf(connection.connect(80))).code, 'machine-failed');
  });
}

relay('is broken by a guest that opens one stream too many, or one twice', async () => {
  for (const [ids, complaint] of [
    [Array.from({ length: OWN_STREAMS + 1 }, (_, at) => OWN_ID + at), 'expected at most 256 connections to the proxy'],
    [[OWN_ID, OWN_ID], 'expected a new id of a stream'],
  ] as const) {
    const { connection, guest, broken } = await relayPair();
    connection.onOutgoing(() => undefined);
    for (const id of ids) guest.say('open', id);
    await settled();
    assert.match(broken[0]!, complaint);
  }
});

relay('is broken by a flood of what is late', async () => {
  const { guest, id, stream, broken } = await connected();
  stream.destroy();
  await guest.next('abort');
  const kinds: Kind[] = ['data', 'end', 'credit'];
  for (let frame = 0; frame < 100; frame++) guest.say(kinds[frame % 3]!, id, Buffer.from('x'));
  await settled();
  assert.equal(broken, []);
  for (let frame = 0; frame < 300; frame++) guest.say('data', id, Buffer.from('x'));
  await settled();
  assert.match(broken[0]!, 'expected a frame of a stream that is open');
});

relay('of another version is not spoken to', async () => {
  const [near, far] = duplexPair();
  const broken: string[] = [];
  const connection = new RelayConnection(near, (reason) => broken.push(reason));
  new FakeRelay(far).say('ready', 0, 2);
  assert.match((await failureOf(connection.ready)).message, 'expected version 1, got 2');
  assert.is(broken.length, 1);
});

relay.run();

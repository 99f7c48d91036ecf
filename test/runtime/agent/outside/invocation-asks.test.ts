import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AskIds, InvocationAsks } from '../../../../runtime/agent/outside/invocation-asks.ts';
import { type OutsideCall, OutsideError } from '../../../../runtime/agent/outside/outside.ts';
import { ASK_BYTES, ASK_WINDOW_BYTES, decodeMessage, FIRST_ASK_ID, MAX_ASKS } from '../../../../runtime/agent/wire.ts';
import type { FromInvocation } from '../../../../runtime/agent/worker-message.ts';
import { StreamFailure } from '../../../../runtime/wasi/index.ts';
import { SeededRandom } from '../../../support/random.ts';

const outside = suite('what an invocation asks of its host');

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

/** The asks of an invocation, and what they say to the host, in a word each. */
function lab(ids = new AskIds()) {
  const said: FromInvocation[] = [];
  const asks = new InvocationAsks(1, ids, (message) => void said.push(message));
  const words = () => said.splice(0).map((each) => `${each.kind} ${each.id - FIRST_ASK_ID}`);
  return { asks, said, words };
}

async function failureOf(promise: Promise<unknown>): Promise<OutsideError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, OutsideError);
    return error as OutsideError;
  }
  throw new Error('expected a refusal');
}

async function isRefused(call: OutsideCall, code: string, sentence: RegExp): Promise<void> {
  for (const promise of [call.answer, call.end]) {
    const failure = await failureOf(promise);
    assert.is(failure.code, code);
    assert.match(failure.message, sentence);
  }
  assert.throws(
    () => call.sink.capacity,
    (error: unknown) => error instanceof StreamFailure,
  );
  assert.throws(
    () => call.source.read(1),
    (error: unknown) => error instanceof StreamFailure,
  );
}

outside('is asked in a frame of its own id, and answered under it', async () => {
  const { asks, said } = lab();
  const [first, second] = [asks.ask('keyvalue.get', { key: 'a' }), asks.ask('keyvalue.get', { key: 'b' })];
  assert.equal(
    said.map((each) => each.kind === 'ask' && [each.id, decodeMessage(each.payload)]),
    [
      [FIRST_ASK_ID, { invocation: 1, service: 'keyvalue.get', args: { key: 'a' } }],
      [FIRST_ASK_ID + 1, { invocation: 1, service: 'keyvalue.get', args: { key: 'b' } }],
    ],
  );
  asks.take(FIRST_ASK_ID + 1, { kind: 'answer', answer: { value: 'B', last: true } });
  asks.take(FIRST_ASK_ID, { kind: 'answer', answer: { code: 'no-such-store', detail: 'none' } });
  assert.is(await second.answer, 'B');
  assert.is(await second.end, null);
  assert.is(second.source.read(1), null);
  await isRefused(first, 'no-such-store', /none/);
  assert.is(asks.open, 0);
});

outside('streams both ways until the host has said its last', async () => {
  const { asks, said, words } = lab();
  const call = asks.ask('http.request', null);
  call.sink.write(Buffer.from('up'));
  call.sink.close();
  call.sink.close();
  assert.equal(words(), ['ask 0', 'body 0', 'end 0']);
  asks.take(FIRST_ASK_ID, { kind: 'body', bytes: Buffer.from('do') });
  asks.take(FIRST_ASK_ID, { kind: 'answer', answer: { value: 200, last: false } });
  asks.take(FIRST_ASK_ID, { kind: 'body', bytes: Buffer.from('wn') });
  assert.is(await call.answer, 200);
  assert.is(text(call.source.read(3)), 'dow');
  assert.is(asks.open, 1);
  asks.take(FIRST_ASK_ID, { kind: 'finish', finish: { value: ['trailer'], last: true } });
  assert.is(asks.open, 0);
  assert.is(text(call.source.read(3)), 'n');
  assert.is(call.source.read(3), null);
  assert.equal(await call.end, ['trailer']);
  call.forget();
  assert.equal(said, []);
});

outside('goes on sending after the host has said its last, until the host wants no more', async () => {
  const { asks, words } = lab();
  const call = asks.ask('tcp.connect', null);
  asks.take(FIRST_ASK_ID, { kind: 'answer', answer: { value: 'connected', last: false } });
  asks.take(FIRST_ASK_ID, { kind: 'finish', finish: { value: 'half', last: false } });
  assert.is(await call.end, 'half');
  assert.is(call.source.read(1), null);
  call.sink.write(Buffer.from('x'));
  assert.equal(words(), ['ask 0', 'body 0']);
  assert.is(asks.open, 1);
  asks.take(FIRST_ASK_ID, { kind: 'forget' });
  assert.is(asks.open, 0);
  assert.throws(() => call.sink.write(Buffer.from('x')), /no more bytes are taken/);
  call.forget();
  assert.equal(words(), []);
});

outside('fails its bytes when the host fails half-way', async () => {
  const { asks } = lab();
  const call = asks.ask('http.request', null);
  asks.take(FIRST_ASK_ID, { kind: 'answer', answer: { value: 200, last: false } });
  asks.take(FIRST_ASK_ID, { kind: 'body', bytes: Buffer.from('half') });
  asks.take(FIRST_ASK_ID, { kind: 'finish', finish: { code: 'connection-terminated', detail: 'reset' } });
  assert.is(await call.answer, 200);
  assert.is((await failureOf(call.end)).code, 'connection-terminated');
  assert.is(text(call.source.read(100)), 'half');
  assert.throws(() => call.source.read(100), /reset/);
  assert.throws(() => call.sink.write(Buffer.from('x')), /no more bytes are taken/);
});

outside('holds back what has no credit, and gives credit for what was read', async () => {
  const { asks, words } = lab();
  const call = asks.ask('blob.write', null);
  call.sink.write(new Uint8Array(ASK_WINDOW_BYTES));
  assert.is(call.sink.capacity, 0);
  const waited = call.sink.wait();
  asks.take(FIRST_ASK_ID, { kind: 'credit', bytes: 10 });
  await waited;
  assert.is(call.sink.capacity, 10);
  words();
  asks.take(FIRST_ASK_ID, { kind: 'body', bytes: new Uint8Array(ASK_WINDOW_BYTES) });
  assert.equal(words(), []);
  call.source.read(ASK_WINDOW_BYTES / 2);
  assert.equal(words(), ['credit 0']);
});

outside('refuses what goes over a bound, without asking the host', async () => {
  const { asks, said } = lab();
  await isRefused(asks.ask('s', new Uint8Array(ASK_BYTES)), 'too-large', /at most 65536 bytes for s, got 65\d\d\d/);
  await isRefused(asks.ask('s', 2n ** 70n), 'invalid', /plain data for s/);
  assert.is(said.length, 0);
  const calls = Array.from({ length: MAX_ASKS }, () => asks.ask('s', null));
  assert.is(said.length, MAX_ASKS);
  await isRefused(asks.ask('s', null), 'too-many', /at most 64 things/);
  assert.is(said.length, MAX_ASKS);
  calls[5]!.forget();
  calls[5]!.forget();
  await isRefused(calls[5]!, 'forgotten', /not wanted/);
  assert.is(asks.open, MAX_ASKS - 1);
  asks.ask('s', null);
  assert.equal(
    said.slice(MAX_ASKS).map(({ kind }) => kind),
    ['forget', 'ask'],
  );
});

outside('is all forgotten at the end of the invocation, and late frames find nobody', async () => {
  const ids = new AskIds();
  const { asks, said } = lab(ids);
  const calls = [asks.ask('s', 1), asks.ask('s', 2)];
  const waiting = calls.map((call) => Promise.all([call.source.wait(), failureOf(call.answer), failureOf(call.end)]));
  said.length = 0;
  asks.close();
  for (const [, answer, end] of await Promise.all(waiting))
    assert.equal([answer.code, end.code], ['forgotten', 'forgotten']);
  assert.is(asks.open, 0);
  asks.take(FIRST_ASK_ID, { kind: 'body', bytes: new Uint8Array(1) });
  asks.take(FIRST_ASK_ID, { kind: 'answer', answer: { value: 1, last: true } });
  assert.is(await failureOf(asks.ask('s', 3).answer).then(({ code }) => code), 'forgotten');
  calls[0]!.forget();
  assert.is(said.length, 0);
  // The next invocation of this worker.
  const next = lab(ids);
  next.asks.ask('s', 4);
  assert.is(next.said[0]?.id, FIRST_ASK_ID + 2);
});

outside('numbers on from the first id after the last', () => {
  const ids = new AskIds(0xffff_ffff);
  assert.equal([ids.next(), ids.next()], [0xffff_ffff, FIRST_ASK_ID]);
});

outside('joins small pieces while they wait', () => {
  const { asks } = lab();
  const { source } = asks.ask('s', null);
  const random = new SeededRandom(1);
  let sent = '';
  for (let at = 0; at < 5000; at += 1) {
    const piece = String(random.below(1000));
    sent += piece;
    asks.take(FIRST_ASK_ID, { kind: 'body', bytes: Buffer.from(piece) });
  }
  const pieces: string[] = [];
  while (source.ready) pieces.push(text(source.read(1_000_000))!);
  assert.is(pieces.join(''), sent);
  assert.ok(pieces.length <= Math.ceil(sent.length / 4093), String(pieces.length));
});

outside.run();

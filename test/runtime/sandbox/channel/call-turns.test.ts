import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { INLINE_BYTES } from '../../../../runtime/agent/wire.ts';
import { Channel } from '../../../../runtime/sandbox/channel/channel.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeMachine } from '../../../support/fake-machine.ts';

const turns = suite('the turns of invocations');

const EPOCH = new Uint8Array(16).fill(7);

/** A channel whose invocations are known to be short. */
async function open(workers = 1, processors = workers, lateMs = 0, runMs = 1, isEmulated = false) {
  const machine = new FakeMachine('test', { workers });
  machine.processors = processors;
  machine.isEmulated = isEmulated;
  const clock = new FakeClock();
  /** Whose timers come late. */
  let late = 0;
  const lateClock = {
    now: () => clock.now() + late,
    after: (ms: number, callback: () => void) =>
      clock.after(ms, () => {
        late = lateMs;
        callback();
        late = 0;
      }),
  };
  const channel = new Channel(machine, 0, lateClock);
  const { agent } = machine;
  const invoke = (input: Uint8Array = new Uint8Array(0), rehearsal = false) => {
    const request = { door: 'run', arguments: [] } as const;
    return channel.invoke(rehearsal ? { ...request, rehearsal: true } : request, input, 1000, () => {});
  };
  const first = invoke();
  agent.say('done', (await agent.next()).id, { kind: 'ok', exitCode: 0, runMs });
  await first.done;
  return { agent, clock, channel, invoke, machine };
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error as CloudletError).code,
  );

turns('send a worker the next short ones while it runs one', async () => {
  const { agent, channel, invoke } = await open();
  const calls = [invoke(), invoke(), invoke(), invoke(), invoke()];
  const fakes = [await agent.next(), await agent.next(), await agent.next(), await agent.next()];
  await channel.ping();
  // It has as many as it may.
  assert.is(agent.unasked, 0);
  for (const fake of fakes) fake.done();
  (await agent.next()).done();
  await Promise.all(calls.map(({ done }) => done));
  assert.equal(agent.recalls, []);
  channel.close('the test is over');
});

for (const [what, prepare] of [
  ['that is a rehearsal', (invoke: Invoke) => invoke(undefined, true)],
  ['with much input', (invoke: Invoke) => invoke(new Uint8Array(INLINE_BYTES + 1))],
] as const) {
  turns(`send no worker one ahead ${what}`, async () => {
    const { agent, channel, invoke } = await open();
    invoke();
    const running = await agent.next();
    prepare(invoke);
    await channel.ping();
    assert.is(agent.unasked, 0);
    running.done();
    await agent.next();
    channel.close('the test is over');
  });
}
type Invoke = Awaited<ReturnType<typeof open>>['invoke'];

turns('send nothing ahead when invocations are long', async () => {
  const { agent, channel, invoke } = await open();
  for (let count = 0; count < 20; count += 1) {
    const call = invoke();
    agent.say('done', (await agent.next()).id, { kind: 'ok', exitCode: 0, runMs: 5 });
    await call.done;
  }
  invoke();
  await agent.next();
  invoke();
  await channel.ping();
  assert.is(agent.unasked, 0);
  channel.close('the test is over');
});

/** A channel whose invocations take so little that they are given to one worker. */
const openTogether = (workers: number, processors: number) => open(workers, processors, 0, 0.03);

turns('give those to one worker that take less than waking another', async () => {
  const { agent, channel, invoke } = await openTogether(4, 2);
  const calls = Array.from({ length: 10 }, () => invoke());
  const fakes = await Promise.all(calls.map(() => agent.next()));
  const lineOf = (at: number) => agent.lineOf(fakes[at]!.id);
  assert.equal(
    fakes.map((_, at) => lineOf(at) === lineOf(0)),
    [true, true, true, true, true, true, true, true, false, false],
  );
  assert.is(lineOf(9), lineOf(8));
  for (const fake of fakes) fake.done();
  await Promise.all(calls.map(({ done }) => done));
  channel.close('the test is over');
});

turns(
  'take back what waits behind one of those that is slow while others are free, and spread them when that comes often',
  async () => {
    const { agent, clock, channel, invoke } = await openTogether(4, 4);
    const calls = [invoke(), invoke(), invoke()];
    const [slow, second, third] = [await agent.next(), await agent.next(), await agent.next()];
    assert.is(agent.lineOf(third.id), agent.lineOf(slow.id));
    clock.advance(5);
    await channel.ping();
    assert.equal(agent.recalls, [{ worker: 0, last: third.id }]);
    agent.say('recalled', 0, { worker: 0, last: third.id, begun: slow.id });
    const again = [await agent.next(), await agent.next()];
    assert.ok(second.id < again[0]!.id);
    // Together again, in another worker.
    const lines = () => [slow, ...again].map(({ id }) => agent.lineOf(id));
    assert.is(new Set(lines()).size, 2);
    clock.advance(5);
    await channel.ping();
    agent.say('recalled', 0, { worker: 1, last: again[1]!.id, begun: again[0]!.id });
    again[1] = await agent.next();
    calls.push(invoke());
    again.push(await agent.next());
    assert.is(new Set(lines()).size, 4);
    for (const fake of [slow, ...again]) fake.done();
    await Promise.all(calls.map(({ done }) => done));
    channel.close('the test is over');
  },
);

turns('have places for more than there are workers while they are that short, and none when they are not', async () => {
  const { agent, clock, channel, invoke } = await openTogether(4, 2);
  assert.is(channel.placesAhead, 16);
  channel.allow(1);
  assert.is(channel.placesAhead, 8);
  invoke();
  const slow = await agent.next();
  invoke();
  // It waits for the only worker that may run.
  await channel.ping();
  clock.advance(20);
  agent.say('recalled', 0, { worker: 0, last: (await agent.next()).id, begun: slow.id });
  await channel.ping();
  assert.is(channel.placesAhead, 0);
  agent.say('done', slow.id, { kind: 'ok', exitCode: 0, runMs: 100 });
  await channel.ping();
  assert.is(channel.placesAhead, 0);
  channel.close('the test is over');
});

turns('have no more places where invocations share a worker', async () => {
  const { channel } = await openTogether(4, 2);
  channel.adopt(4);
  assert.is(channel.placesAhead, 0);
  channel.close('the test is over');
});

turns('take one pause that held up several workers for one', async () => {
  const { agent, clock, channel, invoke } = await open(2);
  const calls = Array.from({ length: 4 }, () => invoke());
  const fakes = await Promise.all(calls.map(() => agent.next()));
  clock.advance(20);
  await channel.ping();
  assert.is(agent.recalls.length, 2);
  const running = agent.recalls.map(
    ({ last }) => fakes.find(({ id }) => id !== last && agent.lineOf(id) === agent.lineOf(last))!,
  );
  for (const [at, { worker, last }] of agent.recalls.entries()) {
    agent.say('recalled', 0, { worker, last, begun: running[at]!.id });
  }
  await channel.ping();
  for (const fake of running) fake.done();
  for (let left = 2; left > 0; left -= 1) (await agent.next()).done();
  await Promise.all(calls.map(({ done }) => done));
  // Sent ahead as before.
  for (let count = 0; count < 4; count += 1) invoke();
  await Promise.all(Array.from({ length: 4 }, () => agent.next()));
  channel.close('the test is over');
});

turns('send those away that came because they are short, when no worker is free for them any more', async () => {
  const { agent, clock, channel, invoke } = await openTogether(2, 1);
  channel.allow(2);
  const calls = Array.from({ length: 4 }, () => invoke());
  const [slow, , , last] = [await agent.next(), await agent.next(), await agent.next(), await agent.next()];
  clock.advance(20);
  await channel.ping();
  agent.say('recalled', 0, { worker: 0, last: last.id, begun: slow.id });
  const next = await agent.next();
  await Promise.all([calls[2]!.confirmed, calls[3]!.confirmed]);
  assert.equal(
    calls.map(({ turnedAway, mayHaveBegun }) => [turnedAway, mayHaveBegun]),
    [
      [false, true],
      [false, true],
      [true, false],
      [true, false],
    ],
  );
  assert.is(channel.placesAhead, 0);
  for (const fake of [slow, next]) fake.done();
  await Promise.all([calls[0]!.done, calls[1]!.done]);
  channel.close('the test is over');
});

turns('take back what waits for long behind another, and give it to the next that is free, in its order', async () => {
  const { agent, clock, channel, invoke } = await open(2, 1);
  const calls = [invoke(), invoke(), invoke()];
  const stuck = await agent.next();
  const [second, third] = [await agent.next(), await agent.next()];
  clock.advance(20);
  await channel.ping();
  assert.equal(agent.recalls, [{ worker: 0, last: third.id }]);
  agent.say('recalled', 0, { worker: 0, last: third.id, begun: stuck.id });
  const again = await agent.next();
  await channel.ping();
  // Nothing is sent ahead now, and there is only one other worker.
  assert.is(agent.unasked, 0);
  assert.ok(again.id > third.id);
  again.write('second');
  again.done();
  const last = await agent.next();
  last.write('third');
  last.done();
  stuck.done();
  await Promise.all(calls.map(({ done }) => done));
  assert.is(Buffer.from(calls[1]!.output.whole()!).toString(), 'second');
  assert.is(Buffer.from(calls[2]!.output.whole()!).toString(), 'third');
  assert.is.not(second.id, again.id);
  channel.close('the test is over');
});

turns('leave it where it is for longer when the processor is emulated and computes, as a collector does', async () => {
  const { agent, clock, channel, invoke, machine } = await open(2, 1, 0, 1, true);
  const calls = [invoke(), invoke()];
  const [first, second] = [await agent.next(), await agent.next()];
  for (let passed = 0; passed < 395; passed += 5) {
    machine.needNs = clock.now() * 1e6;
    clock.advance(5);
  }
  calls.push(invoke());
  const third = await agent.next();
  await channel.ping();
  assert.equal(agent.recalls, []);
  assert.is(agent.lineOf(third.id), agent.lineOf(first.id));
  machine.needNs = clock.now() * 1e6;
  clock.advance(5);
  await channel.ping();
  assert.equal(agent.recalls, [{ worker: 0, last: third.id }]);
  agent.say('recalled', 0, { worker: 0, last: third.id, begun: first.id });
  const again = await agent.next();
  assert.is.not(agent.lineOf(again.id), agent.lineOf(second.id));
  again.done();
  (await agent.next()).done();
  first.done();
  await Promise.all(calls.map(({ done }) => done));
  channel.close('the test is over');
});

turns(
  'take it back from an emulated processor that computes nothing, and put nothing more behind what waits there',
  async () => {
    const { agent, clock, channel, invoke, machine } = await open(3, 1, 0, 1, true);
    machine.needNs = 7e9;
    const calls = [invoke(), invoke()];
    const [first, second] = [await agent.next(), await agent.next()];
    // The first look says nothing yet.
    for (let passed = 0; passed < 20; passed += 5) clock.advance(5);
    await channel.ping();
    assert.equal(agent.recalls, []);
    clock.advance(5);
    await channel.ping();
    assert.equal(agent.recalls, [{ worker: 0, last: second.id }]);
    agent.say('recalled', 0, { worker: 0, last: second.id, begun: first.id });
    const again = await agent.next();
    calls.push(invoke());
    const last = await agent.next();
    assert.is.not(agent.lineOf(again.id), agent.lineOf(first.id));
    assert.is.not(agent.lineOf(last.id), agent.lineOf(first.id));
    for (const fake of [again, last, first]) fake.done();
    await Promise.all(calls.map(({ done }) => done));
    channel.close('the test is over');
  },
);

turns('send nothing ahead for a while where an emulated one was held up twice in a second', async () => {
  const { agent, clock, channel, invoke, machine } = await open(2, 1, 0, 1, true);
  const isAhead = async (): Promise<boolean> => {
    const calls = [invoke(), invoke()];
    const [first, second] = [await agent.next(), await agent.next()];
    const together = agent.lineOf(second.id) === agent.lineOf(first.id);
    for (let passed = 0; passed < 30; passed += 5) {
      machine.needNs = clock.now() * 1e6;
      clock.advance(5);
    }
    for (const fake of [first, second]) fake.done();
    await Promise.all(calls.map(({ done }) => done));
    return together;
  };
  assert.equal([await isAhead(), await isAhead(), await isAhead()], [true, true, false]);
  assert.equal(agent.recalls, []);
  channel.close('the test is over');
});

turns('leave it where it is while those before it end', async () => {
  const { agent, clock, channel, invoke } = await open();
  const first = invoke();
  const fake = await agent.next();
  invoke();
  await agent.next();
  clock.advance(10);
  fake.done();
  await first.done;
  invoke();
  clock.advance(15);
  await channel.ping();
  assert.equal(agent.recalls, []);
  channel.close('the test is over');
});

turns('look again before they judge, when this process was held up', async () => {
  const { agent, clock, channel, invoke } = await open(1, 1, 50);
  invoke();
  await agent.next();
  invoke();
  const sent = await agent.next();
  clock.advance(5);
  await channel.ping();
  assert.equal(agent.recalls, []);
  // Once: a computer that is always late would never take anything back.
  clock.advance(5);
  await channel.ping();
  assert.equal(agent.recalls, [{ worker: 0, last: sent.id }]);
  channel.close('the test is over');
});

turns('end one whose caller left while it waited behind another, and leave that alone', async () => {
  const { agent, channel, invoke } = await open();
  const running = invoke();
  const fake = await agent.next();
  const waiting = invoke();
  const sent = await agent.next();
  waiting.fail(new CloudletError('client-closed', 'left'));
  await channel.ping();
  assert.not(agent.heard.includes('cancel'));
  assert.equal(agent.recalls, [{ worker: 0, last: sent.id }]);
  agent.say('recalled', 0, { worker: 0, last: sent.id, begun: fake.id });
  await waiting.confirmed;
  fake.done();
  await running.done;
  channel.close('the test is over');
});

turns('end one whose deadline has come while it waited behind another, also when it begins just then', async () => {
  const { agent, channel, invoke } = await open();
  const running = invoke();
  const fake = await agent.next();
  const waiting = invoke();
  const sent = await agent.next();
  waiting.expire();
  fake.done();
  agent.say('recalled', 0, { worker: 0, last: sent.id, begun: sent.id });
  await running.done;
  await sent.cancelled;
  sent.fail('deadline-exceeded');
  assert.is(await codeOf(waiting.done), 'deadline-exceeded');
  channel.close('the test is over');
});

turns(
  'let those wait for the next worker whose own was lost before they began, unless their end was asked for',
  async () => {
    const { agent, channel, invoke } = await open();
    const running = invoke();
    const fake = await agent.next();
    const [late, waiting] = [invoke(), invoke()];
    const [, sent] = [await agent.next(), await agent.next()];
    late.expire();
    agent.say('lost', 0, { worker: 0, finished: 0, begun: fake.id, id: 0, why: null, reason: 'a test' });
    assert.is(await codeOf(running.done), 'guest-trapped');
    assert.is(await codeOf(late.done), 'deadline-exceeded');
    agent.say('recalled', 0, { worker: 0, last: sent!.id, begun: fake.id });
    agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
    await channel.ping();
    agent.mark(0, EPOCH);
    (await agent.next()).done();
    await waiting.done;
    channel.close('the test is over');
  },
);

turns('end the first as well when it comes back unbegun and nobody wants it any more', async () => {
  const { agent, channel, invoke } = await open();
  const [first, second] = [invoke(), invoke()];
  const [sent, last] = [await agent.next(), await agent.next()];
  first.fail(new CloudletError('client-closed', 'left'));
  second.fail(new CloudletError('client-closed', 'left'));
  await sent.cancelled;
  await channel.ping();
  assert.equal(agent.recalls, [{ worker: 0, last: last.id }]);
  agent.say('recalled', 0, { worker: 0, last: last.id, begun: 0 });
  await Promise.all([first.confirmed, second.confirmed]);
  await channel.ping();
  // Neither began again.
  assert.is(agent.unasked, 0);
  channel.close('the test is over');
});

turns('send nothing ahead behind one whose input follows it', async () => {
  const { agent, channel, invoke } = await open();
  invoke(new Uint8Array(INLINE_BYTES + 1));
  const running = await agent.next();
  invoke();
  await channel.ping();
  assert.is(agent.unasked, 0);
  running.done();
  await agent.next();
  channel.close('the test is over');
});

turns('end with an agent that gives back what nobody asked for', async () => {
  for (const message of [
    { worker: 0, last: 1, begun: 0 },
    { worker: 9, last: 1, begun: 0 },
    { worker: 0, last: -1, begun: 0 },
  ]) {
    const { agent, channel } = await open();
    agent.say('recalled', 0, message);
    assert.match((await channel.lost).message, /broke the rules of the wire/);
  }
});

turns.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import {
  type DoneMessage,
  EPOCH_BYTES,
  encodeDone,
  encodeFrame,
  encodeMessage,
  FIRST_ASK_ID,
  type LostMessage,
} from '../../../../runtime/agent/wire.ts';
import { Channel } from '../../../../runtime/sandbox/channel/channel.ts';
import { FakeMachine } from '../../../support/fake-machine.ts';

const EPOCH = Uint8Array.from({ length: EPOCH_BYTES }, (_, at) => 255 - at);
const OK: DoneMessage = { kind: 'ok', exitCode: 0, runMs: 0 };

function open(workers = 1, lines = workers) {
  const machine = new FakeMachine('test', { workers, lines });
  const channel = new Channel(machine);
  return { agent: machine.agent, channel, machine };
}
const invoke = (channel: Channel, deadlineMs = 1000) =>
  channel.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), deadlineMs, () => {});
const lost = (rest: Partial<LostMessage>): LostMessage => ({
  ...{ worker: 0, finished: 0, begun: 1000, id: 0, why: null, reason: 'a test' },
  ...rest,
});
const failure = async (promise: Promise<unknown>): Promise<CloudletError> => {
  const outcome = await promise.catch((error: unknown) => error);
  assert.instance(outcome, Error);
  return outcome as CloudletError;
};

const line = suite("a worker's line");

for (const [what, say, code, detail] of [
  ['that ended by itself', {}, 'guest-trapped', /a test/],
  ['that was ended at the deadline', { id: 1, why: 'deadline-exceeded' }, 'deadline-exceeded', /1000 ms/],
  ['that was ended since the caller left', { id: 1, why: 'client-closed' }, 'client-closed', /left/],
  ['that was ended for another', { id: 9, why: 'deadline-exceeded' }, 'machine-failed', /worker/],
] as const) {
  line(`fails the invocation of a worker ${what}, and serves again with its successor`, async () => {
    const { agent, channel, machine } = open();
    const call = invoke(channel);
    const fake = await agent.next();
    // Half a frame.
    machine.agent.lineOf(fake.id).write(encodeFrame('body', fake.id, new Uint8Array(1000)).subarray(0, 500));
    agent.say('lost', 0, lost(say));
    const error = await failure(call.done);
    assert.is(error.code, code);
    assert.match(error.message, detail);
    await call.confirmed;
    const next = invoke(channel);
    agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
    await channel.ping();
    assert.is(agent.unasked, 0);
    agent.mark(0, EPOCH);
    const other = await agent.next();
    other.write('answer');
    other.done();
    await next.done;
    assert.is(Buffer.from(next.output.whole()!).toString(), 'answer');
    channel.close('the test is over');
  });
}

line('still takes the answer that a lost worker had given', async () => {
  const { agent, channel } = open();
  const call = invoke(channel);
  const fake = await agent.next();
  agent.say('lost', 0, lost({ finished: fake.id }));
  agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
  await channel.ping();
  fake.write('late');
  fake.done();
  agent.mark(0, EPOCH);
  await call.done;
  assert.is(Buffer.from(call.output.whole()!).toString(), 'late');
  channel.close('the test is over');
});

line('fails an invocation whose answer its lost worker had given but that never came', async () => {
  const { agent, channel } = open();
  const call = invoke(channel);
  const fake = await agent.next();
  agent.say('lost', 0, lost({ finished: fake.id }));
  agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
  await channel.ping();
  agent.mark(0, EPOCH);
  assert.is((await failure(call.done)).code, 'machine-failed');
  channel.close('the test is over');
});

line('goes over another stream when the successor has one', async () => {
  const { agent, channel } = open(1, 2);
  const call = invoke(channel);
  const first = await agent.next();
  agent.say('lost', 0, lost({}));
  await failure(call.done);
  agent.say('renewed', 0, { worker: 0, line: 1, epoch: EPOCH });
  await channel.ping();
  agent.mark(1, EPOCH);
  const next = invoke(channel);
  const second = await agent.next();
  assert.is.not(agent.lineOf(second.id), agent.lineOf(first.id));
  second.done();
  await next.done;
  channel.close('the test is over');
});

line('gives each worker its grant once, before its next invocation, and its successor too', async () => {
  const { agent, channel } = open();
  await channel.ready;
  const run = async () => {
    const call = invoke(channel);
    (await agent.next()).done();
    await call.done;
  };
  channel.grant({ environment: [['KEY', 'value']], arguments: [], configuration: [] });
  await run();
  await run();
  assert.equal(agent.heard, ['grant', 'invoke', 'invoke']);
  agent.say('lost', 0, lost({ finished: 2 }));
  agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
  await channel.ping();
  agent.mark(0, EPOCH);
  await run();
  assert.equal(agent.heard, ['grant', 'invoke', 'invoke', 'ping', 'grant', 'invoke']);
  channel.close('the test is over');
});

line('ends an invocation that has no worker at its deadline, or when its caller leaves', async () => {
  const { agent, channel } = open();
  const running = invoke(channel);
  await agent.next();
  const waiting = invoke(channel);
  waiting.expire();
  assert.is((await failure(waiting.done)).code, 'deadline-exceeded');
  await waiting.confirmed;
  assert.equal(agent.heard.includes('cancel'), false);
  running.expire();
  await channel.ping();
  assert.ok(agent.heard.includes('cancel'));
  channel.close('the test is over');
  await failure(running.done);
});

for (const [what, message] of [
  ['a worker that is not there', { kind: 'lost', body: lost({ worker: 1 }) }],
  ['a line that is not there', { kind: 'renewed', body: { worker: 0, line: 1, epoch: EPOCH } }],
  ['an epoch that is too short', { kind: 'renewed', body: { worker: 0, line: 0, epoch: EPOCH.subarray(1) } }],
  ['a reason that is none', { kind: 'lost', body: { ...lost({}), why: 'because' } }],
] as const) {
  line(`is given up with its channel when the agent speaks of ${what}`, async () => {
    const { agent, channel } = open();
    await channel.ready;
    agent.sendBytes(encodeFrame(message.kind, 0, encodeMessage(message.body)));
    assert.is((await channel.lost).code, 'machine-failed');
  });
}

line('is given up with its channel when a worker speaks of an invocation that it does not have', async () => {
  const { agent, channel } = open();
  const call = invoke(channel);
  const fake = await agent.next();
  agent.sendBytes(encodeFrame('done', fake.id + 1, encodeDone(OK)), agent.lineOf(fake.id));
  assert.is((await channel.lost).code, 'machine-failed');
  await failure(call.done);
});

/** A channel whose workers have `atOnce` invocations each, as a load says. */
function openShared(workers: number, atOnce: number) {
  const opened = open(workers);
  const load = {
    ...{ program: 'p', glueBytes: 0, modules: [], run: null, http: null, functions: [] },
    ...{ environment: [], arguments: [], configuration: [], valueBytes: 1 },
    ...{ cpuMs: 1000, memoryMib: 256, limits: {}, files: null },
    reuse: { invocations: 9, atOnce, idleMs: 1 },
  };
  void opened.channel.load(load, []).catch(() => {});
  return opened;
}

line('carries several invocations where they share instances, spread over the workers', async () => {
  const { agent, channel } = openShared(2, 2);
  const calls = [invoke(channel), invoke(channel), invoke(channel), invoke(channel), invoke(channel)];
  const fakes = [await agent.next(), await agent.next(), await agent.next(), await agent.next()];
  assert.equal(
    fakes.map(({ id }) => id),
    calls.slice(0, 4).map(({ id }) => id),
  );
  // The fifth waits for a place.
  await channel.ping();
  assert.is(agent.unasked, 0);
  fakes[1]!.write('second');
  fakes[1]!.done();
  await calls[1]!.done;
  const fifth = await agent.next();
  assert.is(fifth.id, calls[4]!.id);
  for (const fake of [fifth, fakes[0]!, fakes[2]!, fakes[3]!]) {
    fake.write(String(fake.id));
    fake.done();
  }
  for (const call of [calls[0]!, calls[2]!, calls[3]!, calls[4]!]) {
    await call.done;
    assert.is(Buffer.from(call.output.whole()!).toString(), String(call.id));
  }
  channel.close('the test is over');
});

line('of a lost worker fails the invocations that it had not finished', async () => {
  const { agent, channel } = openShared(1, 3);
  const calls = [invoke(channel), invoke(channel), invoke(channel)];
  const fakes = [await agent.next(), await agent.next(), await agent.next()];
  agent.say('lost', 0, lost({ finished: fakes[0]!.id, id: fakes[1]!.id, why: 'deadline-exceeded' }));
  assert.is((await failure(calls[1]!.done)).code, 'deadline-exceeded');
  assert.is((await failure(calls[2]!.done)).code, 'machine-failed');
  fakes[0]!.done();
  await calls[0]!.done;
  channel.close('the test is over');
});

line('gives what is asked to the invocation for which it is asked', async () => {
  const { agent, channel } = openShared(1, 2);
  const asked: string[] = [];
  const services = (name: string) => ({
    services: { who: async () => ({ value: asked.push(name) }) },
    failed: () => {},
  });
  const begin = (name: string) =>
    channel.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), 1000, () => {}, services(name));
  begin('first');
  begin('second');
  const [first, second] = [await agent.next(), await agent.next()];
  second.ask(FIRST_ASK_ID, 'who');
  first.ask(FIRST_ASK_ID + 1, 'who');
  while (asked.length < 2) await channel.ping();
  assert.equal(asked, ['second', 'first']);
  channel.close('the test is over');
});

line('lets an invocation that its lost worker had not begun begin in the next', async () => {
  const { agent, channel } = open();
  const call = invoke(channel);
  const sent = await agent.next();
  agent.say('lost', 0, lost({ begun: sent.id - 1, id: sent.id - 1, why: 'client-closed' }));
  agent.say('renewed', 0, { worker: 0, line: 0, epoch: EPOCH });
  await channel.ping();
  agent.mark(0, EPOCH);
  const again = await agent.next();
  assert.ok(again.id > sent.id);
  again.done();
  await call.done;
  channel.close('the test is over');
});

line('does not, when its input was on its way; but says that it had not begun', async () => {
  const { agent, channel } = open();
  async function* input() {
    yield Buffer.from('some');
    await new Promise(() => {});
  }
  const call = channel.invoke({ door: 'run', arguments: [] }, input(), 1000, () => {});
  const sent = await agent.next();
  assert.is(call.mayHaveBegun, true);
  agent.say('lost', 0, lost({ begun: sent.id - 1 }));
  await failure(call.done);
  assert.is(call.mayHaveBegun, false);
  channel.close('the test is over');
});

line('ends one whose caller has left before it could begin again', async () => {
  const { agent, channel } = open();
  const call = invoke(channel);
  const sent = await agent.next();
  call.fail(new CloudletError('client-closed', 'left'));
  agent.say('lost', 0, lost({ begun: sent.id - 1 }));
  await call.confirmed;
  assert.is((await failure(call.done)).code, 'client-closed');
  channel.close('the test is over');
});

line('sends the first invocation of a resting worker at once, and together what comes while that runs', async () => {
  const { agent, channel, machine } = open();
  await channel.ready;
  const [stream] = machine.lines;
  const write = stream!.write.bind(stream!);
  let writes = 0;
  stream!.write = (...rest: unknown[]) => {
    writes += 1;
    return write(...(rest as Parameters<typeof write>));
  };
  const first = invoke(channel);
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.is(writes, 1);
  agent.say('done', (await agent.next()).id, { kind: 'ok', exitCode: 0, runMs: 0.01 });
  await first.confirmed;
  const calls = [invoke(channel)];
  await new Promise<void>((resolve) => process.nextTick(resolve));
  calls.push(invoke(channel), invoke(channel));
  for (const _ of calls) (await agent.next()).done();
  await Promise.all(calls.map(({ done }) => done));
  assert.is(writes, 3);
  channel.close('the test is over');
});

line.run();

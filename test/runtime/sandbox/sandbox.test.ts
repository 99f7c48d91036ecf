import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type Sandbox, type SandboxState, startSandbox } from '../../../runtime/sandbox/index.ts';
import { moveState, NEXT_STATES } from '../../../runtime/sandbox/state.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeMachine } from '../../support/fake-machine.ts';
import { EMPTY_ARTIFACT, grantOf } from '../../support/fake-version.ts';
import { EMPTY, failureOf, RUN } from '../../support/pool-lab.ts';

const CONTENT = { program: 'p', artifact: EMPTY_ARTIFACT, grant: grantOf(4) };

interface Fixture {
  readonly sandbox: Sandbox;
  readonly machine: FakeMachine;
  readonly clock: FakeClock;
}

async function open(options: { loadError?: string; mute?: boolean } = {}): Promise<Fixture> {
  const machine = new FakeMachine('m1', options);
  const clock = new FakeClock();
  const sandbox = await startSandbox({ kind: 'process', clock, startMachine: async () => machine });
  return { sandbox, machine, clock };
}

async function loaded(): Promise<Fixture> {
  const fixture = await open();
  await fixture.sandbox.load(CONTENT);
  return fixture;
}

const invoke = ({ sandbox }: Fixture, signal?: AbortSignal, deadlineMs = 1000) =>
  sandbox.invoke(RUN, EMPTY, { deadlineMs, log: () => {}, ...(signal === undefined ? {} : { signal }) });

const sandbox = suite('a sandbox');

sandbox('goes from starting to ready to closed', async () => {
  const fixture = await open();
  assert.is(fixture.sandbox.state, 'starting');
  assert.throws(() => invoke(fixture), 'starting');
  await fixture.sandbox.load(CONTENT);
  assert.is(fixture.sandbox.state, 'ready');
  await fixture.sandbox.close();
  assert.is(fixture.sandbox.state, 'closed');
  assert.equal(await fixture.sandbox.ended, { reason: null });
  assert.throws(() => invoke(fixture), 'closed');
  await fixture.sandbox.close();
});

sandbox('is paused when nothing runs in it, and serves again after it was resumed', async () => {
  const fixture = await loaded();
  await fixture.sandbox.pause();
  assert.ok(fixture.machine.paused);
  assert.is(fixture.sandbox.state, 'paused');
  assert.throws(() => invoke(fixture), 'paused');
  await fixture.sandbox.resume();
  assert.not(fixture.machine.paused);
  const call = invoke(fixture);
  const running = await fixture.machine.agent.next();
  await fixture.sandbox.pause().then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, 'while an invocation runs'),
  );
  running.done();
  await call.confirmed;
  assert.is(await fixture.sandbox.privateBytes(), fixture.machine.memoryBytes);
  await fixture.sandbox.pause();
  await fixture.sandbox.close();
  assert.is(fixture.sandbox.state, 'closed');
});

sandbox('is poisoned when it has more memory than its guests may make it take', async () => {
  const fixture = await loaded();
  fixture.machine.mostPrivateBytes = fixture.machine.memoryBytes;
  await fixture.sandbox.privateBytes();
  assert.is(fixture.sandbox.state, 'ready');
  const call = invoke(fixture);
  await fixture.machine.agent.next();
  fixture.machine.memoryBytes += 1;
  await fixture.sandbox.privateBytes();
  assert.is((await failureOf(call.done)).code, 'memory-exceeded');
  assert.match(String((await fixture.sandbox.ended).reason), /MiB of memory of its own/);
});

for (const what of ['paused', 'resumed'] as const) {
  sandbox(`is poisoned when its machine cannot be ${what}`, async () => {
    const fixture = await loaded();
    if (what === 'resumed') await fixture.sandbox.pause();
    fixture.machine.pauseError = 'QEMU closed its control connection';
    if (what === 'paused') await fixture.sandbox.pause();
    else assert.is((await failureOf(fixture.sandbox.resume())).code, 'machine-failed');
    assert.match((await fixture.sandbox.ended).reason ?? '', `could not be ${what}: QEMU closed`);
  });
}

sandbox('is poisoned when its machine says nothing of being paused', async () => {
  const fixture = await loaded();
  fixture.machine.pausing = () => new Promise(() => {});
  void fixture.sandbox.pause();
  fixture.clock.advance(5_000);
  assert.match((await fixture.sandbox.ended).reason ?? '', 'not paused within 5000 ms');
  assert.ok(fixture.machine.closed);
});

sandbox('whose agent is gone serves nothing more, and says how its machine ended', async () => {
  const fixture = await loaded();
  const call = invoke(fixture);
  await fixture.machine.agent.next();
  fixture.machine.hangUp();
  fixture.machine.tail = 'init: the agent ended with status 134';
  await new Promise((resolve) => fixture.machine.channel.once('end', resolve));
  assert.is(fixture.sandbox.state, 'poisoned');
  assert.throws(() => invoke(fixture), 'poisoned');
  fixture.machine.die(0, null);
  const reason = 'the machine ended with status 0; it said at last: init: the agent ended with status 134';
  assert.is((await failureOf(call.done)).message, reason);
  assert.equal(await fixture.sandbox.ended, { reason });
});

sandbox('whose agent is gone while its machine runs is ended, and says what that said last', async () => {
  const fixture = await loaded();
  const call = invoke(fixture);
  await fixture.machine.agent.next();
  fixture.machine.hangUp();
  fixture.machine.tail = 'agent: out of words';
  await new Promise((resolve) => fixture.machine.channel.once('end', resolve));
  fixture.clock.advance(500);
  const reason = 'the agent closed its channel, and its machine runs; it said at last: agent: out of words';
  assert.is((await failureOf(call.done)).message, reason);
  assert.equal(await fixture.sandbox.ended, { reason });
  assert.ok(fixture.machine.closed);
});

for (const from of Object.keys(NEXT_STATES) as SandboxState[]) {
  for (const to of Object.keys(NEXT_STATES) as SandboxState[]) {
    const allowed = NEXT_STATES[from].includes(to);
    sandbox(`${allowed ? 'may' : 'may not'} go from ${from} to ${to}`, () => {
      if (allowed) assert.is(moveState(from, to), to);
      else assert.throws(() => moveState(from, to), `from ${from} to ${to}`);
    });
  }
}

sandbox('counts what occupies a worker, also after its caller was answered', async () => {
  const fixture = await loaded();
  const call = invoke(fixture);
  const fake = await fixture.machine.agent.next();
  call.fail(new CloudletError('client-closed', 'left'));
  assert.is((await failureOf(call.done)).code, 'client-closed');
  assert.is(fixture.sandbox.running, 1);
  fake.fail('client-closed');
  await call.confirmed;
  assert.is(fixture.sandbox.running, 0);
  assert.is(fixture.sandbox.served, 1);
  await fixture.sandbox.close();
});

sandbox('tells the caller shortly after the deadline, although the agent is silent', async () => {
  const fixture = await loaded();
  const call = invoke(fixture);
  const fake = await fixture.machine.agent.next();
  let told = false;
  const failure = failureOf(call.done).then((error) => {
    told = true;
    return error;
  });
  fixture.clock.advance(1199);
  await new Promise(setImmediate);
  assert.not(told);
  fixture.clock.advance(1);
  assert.is((await failure).code, 'deadline-exceeded');
  await fake.cancelled;
  assert.is(fixture.sandbox.state, 'ready');
  fake.fail('deadline-exceeded');
  await call.confirmed;
  fixture.clock.advance(60_000);
  assert.is(fixture.sandbox.state, 'ready');
  await fixture.sandbox.close();
});

for (const [what, endCaller] of [
  ['of the deadline', ({ clock }: Fixture) => clock.advance(1200)],
  ['of the caller', (_: Fixture, caller: AbortController) => caller.abort()],
] as const) {
  sandbox(`ends the machine when the agent does not confirm the end ${what}, and fails its neighbours`, async () => {
    const fixture = await loaded();
    const caller = new AbortController();
    const call = invoke(fixture, caller.signal);
    await fixture.machine.agent.next();
    endCaller(fixture, caller);
    await failureOf(call.done);
    const neighbour = invoke(fixture, undefined, 60_000);
    fixture.clock.advance(1999);
    assert.is(fixture.sandbox.state, 'ready');
    fixture.clock.advance(1);
    assert.is((await failureOf(neighbour.done)).code, 'machine-failed');
    await Promise.all([call.confirmed, neighbour.confirmed]);
    assert.match((await fixture.sandbox.ended).reason ?? '', 'could not be ended');
    assert.ok(fixture.machine.closed);
  });
}

sandbox('is poisoned by the end of its machine and says how it ended', async () => {
  const fixture = await loaded();
  const call = invoke(fixture);
  fixture.machine.die(null, 'SIGKILL', 'Out of memory');
  assert.is((await failureOf(call.done)).code, 'machine-failed');
  assert.ok((await fixture.sandbox.ended).reason);
  const late = await failureOf((async () => invoke(fixture).done)());
  assert.match(late.message, /^the sandbox is (poisoned|closed): .*machine/, 'who comes then is told why, too');
  await fixture.sandbox.close();
  assert.is(fixture.sandbox.state, 'closed');
});

sandbox('cannot be loaded with what the agent refuses', async () => {
  const fixture = await open({ loadError: 'a module that does not compile' });
  const failure = await failureOf(fixture.sandbox.load(CONTENT));
  assert.is(failure.code, 'machine-failed');
  assert.match(failure.message, 'does not compile');
  assert.is.not(fixture.sandbox.state, 'ready');
  await fixture.sandbox.close();
});

sandbox('is poisoned when its agent says nothing of a load', async () => {
  const fixture = await open({ mute: true });
  const failure = failureOf(fixture.sandbox.load(CONTENT));
  fixture.clock.advance(60_000);
  assert.is((await failure).code, 'machine-failed');
  assert.match((await fixture.sandbox.ended).reason ?? '', 'did not load the component within 60000 ms');
});

sandbox('has longer for a load of many bytes', async () => {
  const fixture = await open({ mute: true });
  const bytes = new Uint8Array(512_000);
  const files = [{ path: '/data', at: ['data'], writable: false, files: [{ names: ['a'], bytes }] }];
  const failure = failureOf(fixture.sandbox.load({ ...CONTENT, files }));
  fixture.clock.advance(60_999);
  assert.is(fixture.sandbox.state, 'starting');
  fixture.clock.advance(100);
  assert.is((await failure).code, 'machine-failed');
});

sandbox('is poisoned when its agent does not get ready for a snapshot', async () => {
  const fixture = await loaded();
  const failure = failureOf(fixture.sandbox.prepare());
  fixture.clock.advance(120_000);
  assert.match((await failure).message, 'not ready for a snapshot within 120000 ms');
});

sandbox('gives up a start whose machine ends first, quoting what it said', async () => {
  const machine = new FakeMachine('m1', { silent: true });
  const starting = failureOf(
    startSandbox({ kind: 'process', clock: new FakeClock(), startMachine: async () => machine }),
  );
  machine.die(1, null, 'agent: no such port');
  const failure = await starting;
  assert.is(failure.code, 'machine-failed');
  assert.match(failure.message, 'ended with status 1');
  assert.match(failure.message, 'no such port');
});

sandbox('gives up a start that takes too long', async () => {
  const machine = new FakeMachine('m1', { silent: true });
  const clock = new FakeClock();
  const starting = failureOf(startSandbox({ kind: 'process', clock, readyMs: 500, startMachine: async () => machine }));
  await new Promise(setImmediate);
  clock.advance(500);
  assert.match((await starting).message, 'not ready within 500 ms');
  assert.ok(machine.closed);
});

sandbox('gives up a start that nobody wants any more', async () => {
  const machine = new FakeMachine('m1', { silent: true });
  const caller = new AbortController();
  const starting = startSandbox(
    { kind: 'process', clock: new FakeClock(), startMachine: async () => machine },
    caller.signal,
  );
  await new Promise(setImmediate);
  caller.abort(new CloudletError('draining', 'closing'));
  assert.is((await failureOf(starting)).code, 'draining');
  assert.ok(machine.closed);
});

sandbox.run();

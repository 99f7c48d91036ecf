import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { startSandbox } from '../../../runtime/sandbox/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeMachine, type FakeOptions } from '../../support/fake-machine.ts';
import { grantOf } from '../../support/fake-version.ts';

const restored = suite('a sandbox of a restored machine');

/** A machine whose agent said that it is ready before the snapshot. */
async function restore(options: FakeOptions & { readonly unasked?: boolean } = {}) {
  const { unasked = false, ...rest } = options;
  const machine = new FakeMachine('m', { silent: true, ...rest });
  const clock = new FakeClock();
  const startMachine = async () => machine;
  const starting = startSandbox({ kind: 'microvm', clock, startMachine, restoredWorkers: 3, unasked });
  return { machine, clock, starting };
}

const failureOf = async (promise: Promise<unknown>): Promise<CloudletError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  return error as CloudletError;
};

restored('asks for a sign of life, and has the workers that it was saved with', async () => {
  const { machine, starting } = await restore();
  const sandbox = await starting;
  assert.is(sandbox.workers, 3);
  assert.is(sandbox.state, 'starting');
  assert.equal(machine.agent.heard, ['ping']);
  await sandbox.close();
});

restored('is not there when the agent gives no sign', async () => {
  const machine = new FakeMachine('m', { silent: true, mute: true });
  const clock = new FakeClock();
  let started = () => {};
  const asked = new Promise<void>((resolve) => {
    started = resolve;
  });
  const starting = startSandbox({
    ...{ kind: 'microvm', clock, readyMs: 1000, restoredWorkers: 3 },
    startMachine: async () => {
      setImmediate(started);
      return machine;
    },
  });
  starting.catch(() => {}); // Seen below.
  await asked;
  clock.advance(1000);
  const error = await failureOf(starting);
  assert.is(error.code, 'machine-failed');
  assert.match(error.message, 'the agent was not ready within 1000 ms');
  assert.ok(machine.closed);
});

restored('serves what it came with once it has its grant', async () => {
  const { machine, starting } = await restore();
  const sandbox = await starting;
  const given = {
    environment: { KEY: 'value' },
    arguments: ['a', 'b'],
    configuration: { url: 'https://example.org/' },
  };
  sandbox.adopt({ ...grantOf(3), ...given });
  assert.is(sandbox.state, 'ready');
  const call = sandbox.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), { deadlineMs: 1000, log: () => {} });
  (await machine.agent.next()).done();
  await call.done;
  // The grant goes before the first invocation, over the same line: there frames keep their order.
  assert.equal(machine.agent.heard.slice(0, 3), ['ping', 'grant', 'invoke']);
  const grant = {
    environment: [['KEY', 'value']],
    arguments: ['a', 'b'],
    configuration: [['url', 'https://example.org/']],
  };
  assert.equal(machine.agent.grants, [grant]);
  await sandbox.close();
});

restored('that has what it runs is not asked: its first invocation is the sign of life', async () => {
  const { machine, starting } = await restore({ unasked: true });
  const sandbox = await starting;
  sandbox.adopt(grantOf(3));
  const call = sandbox.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), { deadlineMs: 1000, log: () => {} });
  (await machine.agent.next()).done();
  await call.done;
  assert.ok(await sandbox.firstWord.heard);
  assert.not.ok(machine.agent.heard.includes('ping'));
  await sandbox.close();
});

restored('is lost when its agent says nothing in its first invocation, nor when it is asked', async () => {
  const { machine, clock, starting } = await restore({ unasked: true, mute: true });
  const sandbox = await starting;
  sandbox.adopt(grantOf(3));
  const call = sandbox.invoke({ door: 'run', arguments: [] }, new Uint8Array(0), { deadlineMs: 60_000, log: () => {} });
  call.done.catch(() => {}); // Seen below.
  clock.advance(1000);
  clock.advance(15_000);
  const error = await failureOf(call.done);
  assert.is(error.code, 'machine-failed');
  assert.match(error.message, 'the agent did not answer within 15000 ms');
  assert.not.ok(await sandbox.firstWord.heard);
  await sandbox.ended;
  assert.ok(machine.closed);
});

for (const [what, end] of [
  ['has ended', (machine: FakeMachine) => machine.die(1, null)],
  ['broke the rules of the wire', (machine: FakeMachine) => machine.agent.sendBytes(new Uint8Array(64).fill(255))],
] as const) {
  restored(`takes no grant when its machine ${what}`, async () => {
    const { machine, starting } = await restore();
    const sandbox = await starting;
    end(machine);
    await sandbox.ended;
    try {
      sandbox.adopt(grantOf(3));
      assert.unreachable('it took the grant');
    } catch (error) {
      assert.is((error as CloudletError).code, 'machine-failed');
    }
    await sandbox.close();
  });
}

restored('takes a grant once', async () => {
  const sandbox = await (await restore()).starting;
  sandbox.adopt(grantOf(3));
  assert.throws(() => sandbox.adopt(grantOf(3)), 'the sandbox is ready');
  await sandbox.close();
});

restored.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { versionOf } from '../../../support/fake-version.ts';
import { PoolLab as Lab, settled } from '../../../support/pool-lab.ts';

const ahead = suite('a pool whose invocations are very short');
let lab: Lab;
ahead.after.each(() => lab.pool.close());

/** A machine with two workers and one processor, in which one invocation took next to nothing. */
async function open(idle = 0, sandboxes = 1) {
  lab = new Lab({ workers: 2, sandboxes, idleProcessorNs: () => lab.clock.now() * idle * 1e6 });
  [lab.needNs, lab.processors] = [0, 1];
  const version = versionOf('a');
  const first = lab.invoke(version);
  const { agent } = await lab.machine(1);
  agent.say('done', (await agent.next()).id, { kind: 'ok', exitCode: 0, runMs: 0.03 });
  await (await first).done;
  await settled();
  return { agent, invoke: () => lab.invoke(version).then(({ done }) => done) };
}

ahead('gives a sandbox more of them than it has workers, all for the same one', async () => {
  const { agent, invoke } = await open();
  const calls = Array.from({ length: 9 }, invoke);
  await settled();
  assert.equal([agent.unasked, lab.pool.load().queued], [8, 1]);
  const fakes = await Promise.all(Array.from({ length: 8 }, () => agent.next()));
  assert.is(new Set(fakes.map(({ id }) => agent.lineOf(id))).size, 1);
  for (const fake of fakes) fake.done();
  (await agent.next()).done();
  await Promise.all(calls);
});

ahead('has those wait for a place again that were given to it, when one of them turns out long', async () => {
  const { agent, invoke } = await open();
  const calls = Array.from({ length: 8 }, invoke);
  await settled();
  const fakes = await Promise.all(Array.from({ length: 8 }, () => agent.next()));
  await lab.pass(20, 5);
  const [recall] = agent.recalls;
  agent.say('recalled', 0, { worker: 0, last: recall!.last, begun: fakes[0]!.id });
  await settled();
  // The other worker has one of them; the pool has the rest, and no machine was lost.
  assert.equal([agent.unasked, lab.pool.load().queued, lab.pool.load().running], [1, 6, 2]);
  for (let ended = 0; ended < 8; ended += 1) {
    (ended === 0 ? fakes[0]! : await agent.next()).done();
    await settled();
  }
  await Promise.all(calls);
  assert.equal([lab.machines.length, lab.pool.sandboxes()[0]!.sandbox.served], [1, 9]);
});

/** Eight callers, each of whom invokes again at once, for so many windows in which the first machine needs as many processors. */
async function eight(windows: number, need: number, idle: number, sandboxes = 2): Promise<Lab> {
  const { agent, invoke } = await open(idle, sandboxes);
  const go = () => void invoke().catch(() => {});
  for (let caller = 0; caller < 8; caller += 1) go();
  await settled();
  // One ends each 2 ms, 50 in a window of 100 ms.
  for (let ended = 0; ended < windows * 50; ended += 1) {
    agent.say('done', (await agent.next()).id, { kind: 'ok', exitCode: 0, runMs: 0.03 });
    await settled();
    go();
    lab.machines[0]!.needNs! += need * 2e6;
    await lab.pass(2);
  }
  return lab;
}

ahead('has a second sandbox for those that wait in one that computes, where half of a processor is idle', async () => {
  const { machines, pool } = await eight(110, 1, 0.6);
  assert.is(machines.length, 2);
  const [first, second] = [machines[0]!.agent.unasked, machines[1]!.agent.unasked];
  assert.equal([first + second, pool.load().queued], [8, 0]);
  assert.ok(first < 8 && second > 0, `${first} and ${second}`);
});

ahead('has none where less is idle', async () => {
  assert.is((await eight(104, 1, 0.4)).machines.length, 1);
});

ahead('has none while the one has pauses', async () => {
  assert.is((await eight(104, 0.7, 0.6)).machines.length, 1);
});

ahead('has none after a moment', async () => {
  assert.is((await eight(90, 1, 0.6)).machines.length, 1);
});

ahead('has none for a version that is removed while it may have no second', async () => {
  const { pool, machines } = await eight(110, 1, 0.6, 1);
  pool.drop(versionOf('a').id);
  await lab.pass(2000, 100);
  assert.is(machines.length, 1);
});

ahead.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { versionOf } from '../../../support/fake-version.ts';
import { PoolLab } from '../../../support/pool-lab.ts';

const watch = suite('places while others wait');

/** A lab whose machines are measured, and a computer with so many idle processors. */
function measuredLab(idle: number, options: { sandboxes?: number } = {}) {
  const lab: PoolLab = new PoolLab({ ...options, idleProcessorNs: () => lab.clock.now() * idle * 1e6 });
  lab.needNs = 0;
  lab.processors = 1;
  return lab;
}

/** Lets so many windows pass in which the first machine needs so many processors. */
async function windows(lab: PoolLab, count: number, need: number): Promise<void> {
  for (let window = 0; window < count; window += 1) {
    lab.machines[0]!.needNs! += need * 100e6;
    await lab.pass(100);
  }
}

/** Four invocations at once; `begun` counts those that the agent got. */
async function four(lab: PoolLab) {
  const version = versionOf('a');
  const calls = Array.from({ length: 4 }, () => lab.invoke(version));
  const { agent } = await lab.machine(1);
  const first = await agent.next();
  await lab.pass(0);
  return { version, calls, agent, first };
}

watch('only one invocation at a time goes into a machine that computes on a busy computer', async () => {
  const lab = measuredLab(0);
  const { agent, first } = await four(lab);
  await windows(lab, 1, 1);
  assert.is(agent.unasked, 0);
  first.done();
  await lab.pass(1);
  assert.is(agent.unasked, 1);
  await lab.pool.close();
});

watch('more go in when those in it wait for something else', async () => {
  const lab = measuredLab(0);
  const { agent } = await four(lab);
  await windows(lab, 5, 0);
  assert.is(agent.unasked, 3);
  await lab.pool.close();
});

watch('one that runs for long holds up nobody', async () => {
  const lab = measuredLab(0);
  const { agent } = await four(lab);
  await windows(lab, 1, 1);
  assert.is(agent.unasked, 0);
  await windows(lab, 2, 1);
  assert.is(agent.unasked, 1);
  await lab.pool.close();
});

watch('no second machine is started when the first has all processors', async () => {
  const lab = measuredLab(0, { sandboxes: 2 });
  await four(lab);
  await windows(lab, 10, 1);
  assert.is(lab.machines.length, 1);
  await lab.pool.close();
});

watch('one is when a processor is idle', async () => {
  const lab = measuredLab(1, { sandboxes: 2 });
  const version = versionOf('a');
  for (let call = 0; call < 16; call += 1) lab.invoke(version);
  await lab.machine(1);
  await lab.pass(0);
  await windows(lab, 10, 2);
  assert.is(lab.machines.length, 2);
  await lab.pool.close();
});

watch('none is while short ones fill its places on their way to it and from it', async () => {
  const lab = measuredLab(1, { sandboxes: 2 });
  const version = versionOf('a');
  for (let call = 0; call < 16; call += 1) lab.invoke(version);
  const { agent } = await lab.machine(1);
  await lab.pass(0);
  for (let window = 0; window < 10; window += 1) {
    // Each says that it ran for a millisecond: forty are less than half of what four places had.
    for (let call = 0; call < 40; call += 1) {
      (await agent.next()).done();
      lab.invoke(version);
    }
    await windows(lab, 1, 0.1);
  }
  assert.is(lab.machines.length, 1);
  await lab.pool.close();
});

watch.run();

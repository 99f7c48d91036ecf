import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Invocation } from '../../../../runtime/sandbox/index.ts';
import { versionOf } from '../../../support/fake-version.ts';
import { failureOf, PoolLab as Lab, MIB, settled } from '../../../support/pool-lab.ts';

const scheduling = suite('scheduling');
let lab: Lab;
scheduling.after.each(() => lab.pool.close());

const A = versionOf('a', { concurrency: 1 });
const B = versionOf('b', { concurrency: 1 });

/** Answers whatever came to any machine, until nothing more comes. */
async function answerAll(): Promise<void> {
  await settled();
  for (let answered = true; answered; ) {
    answered = false;
    for (const { agent } of lab.machines) {
      for (; agent.unasked > 0; answered = true) (await agent.next()).done();
    }
    await settled();
  }
}

/** Lets starts wait until each is released. */
function holdStarts(): { release: () => Promise<void> } {
  const held: (() => void)[] = [];
  lab.gate = () => new Promise((resolve) => held.push(resolve));
  return {
    release: async () => {
      held.shift()?.();
      await settled();
    },
  };
}

function burst(version: typeof A, count: number): Promise<Invocation>[] {
  return Array.from({ length: count }, () => lab.invoke(version));
}

for (const [what, weights, order] of [
  ['equal weights', {}, 'abababaaaa'],
  ['a weight of 2', { a: 2 }, 'abaabaabaa'],
] as const) {
  scheduling(`starts in fair turns while one function has twenty times as many callers: ${what}`, async () => {
    const weight = (program: string) => (weights as Record<string, number>)[program] ?? 1;
    lab = new Lab({ starts: 1, sandboxes: 20, machines: 40, patienceMs: 10, weight });
    const { release } = holdStarts();
    const waiting = burst(A, 60);
    await settled();
    lab.clock.advance(10);
    waiting.push(...burst(B, 3));
    lab.clock.advance(10);
    for (let started = 1; started <= 10; started += 1) {
      assert.is(lab.source.started.length, started);
      await release();
    }
    assert.is(lab.source.started.slice(0, 10).join(''), order);
    lab.gate = async () => {};
    await release();
    await answerAll();
    await Promise.all(waiting);
  });
}

scheduling('starts no more at once than it may', async () => {
  lab = new Lab({ starts: 2 });
  const { release } = holdStarts();
  const waiting = ['a', 'b', 'c', 'd'].map((id) => lab.invoke(versionOf(id)));
  await settled();
  assert.equal(lab.source.started, ['a', 'b']);
  await release();
  assert.equal(lab.source.started, ['a', 'b', 'c']);
  for (let left = 3; left > 0; left -= 1) await release();
  await answerAll();
  await Promise.all(waiting);
});

scheduling('starts another sandbox for a version only when somebody has waited for long', async () => {
  lab = new Lab({ sandboxes: 3, patienceMs: 100, prestarted: 0 });
  const waiting = burst(A, 2);
  await settled();
  await lab.pass(99);
  assert.is(lab.machines.length, 1);
  await lab.pass(1);
  assert.is(lab.machines.length, 2);
  assert.is(lab.machines[1]!.agent.unasked, 1);
  await answerAll();
  const [first, second] = await Promise.all(waiting);
  assert.equal([first!.timing.start, second!.timing.start, second!.timing.queueMs], ['boot', 'boot', 100]);
});

scheduling('starts as many as help, and no more than the maximum', async () => {
  lab = new Lab({ sandboxes: 3, patienceMs: 100, prestarted: 0 });
  const version = versionOf('a', { concurrency: 2 });
  const waiting = burst(version, 4);
  await settled();
  await lab.pass(100);
  assert.is(lab.machines.length, 2);
  waiting.push(...burst(version, 20));
  await lab.pass(1000, 100);
  assert.is(lab.machines.length, 3);
  await answerAll();
  await Promise.all(waiting);
});

scheduling('does not start for those whom a start that goes on will serve', async () => {
  lab = new Lab({ sandboxes: 8, patienceMs: 100 });
  const { release } = holdStarts();
  const waiting = burst(versionOf('a', { concurrency: 4 }), 4);
  await settled();
  await lab.pass(1000, 100);
  assert.is(lab.source.started.length, 1);
  await release();
  await answerAll();
  await Promise.all(waiting);
});

scheduling('pauses a sandbox that nobody uses, and resumes it for the next call', async () => {
  lab = new Lab({ parkMs: 1000 });
  await lab.complete(A, 1);
  await lab.pass(999);
  assert.not(lab.machines[0]!.paused);
  await lab.pass(1);
  assert.ok(lab.machines[0]!.paused);
  assert.equal(lab.states(), ['a paused']);
  assert.is(lab.pool.state('a').state, 'ready');
  assert.equal((await lab.complete(A, 1)).timing, { queueMs: 0, startMs: 0, start: 'restored' });
  assert.equal(lab.states(), ['a ready']);
  assert.is((await lab.complete(A, 1)).timing.start, 'idle');
  await lab.pass(1000);
  assert.equal(lab.states(), ['a paused']);
});

scheduling('says how long resuming took', async () => {
  lab = new Lab({ parkMs: 1000 });
  await lab.complete(A, 1);
  await lab.pass(1000);
  lab.machines[0]!.resuming = async () => lab.clock.advance(6);
  assert.equal((await lab.complete(A, 1)).timing, { queueMs: 0, startMs: 6, start: 'restored' });
});

scheduling('pauses at once what has answered its first call, while others wait for a start', async () => {
  lab = new Lab({ starts: 1 });
  const { release } = holdStarts();
  const waiting = ['a', 'b'].map((id) => lab.invoke(versionOf(id)));
  await settled();
  await release();
  await answerAll();
  assert.equal(lab.states(), ['a paused']);
  // Called again it is one that is needed, and goes on.
  waiting.push(lab.invoke(versionOf('a')));
  await answerAll();
  assert.equal(lab.states(), ['a ready']);
  await release();
  await answerAll();
  assert.equal(lab.states(), ['a ready', 'b ready']);
  await Promise.all(waiting);
});

scheduling('starts another when a paused sandbox cannot be resumed', async () => {
  lab = new Lab({ parkMs: 1000 });
  await lab.complete(A, 1);
  await lab.pass(1000);
  lab.machines[0]!.pauseError = 'QEMU closed its control connection';
  assert.is((await lab.complete(A, 2)).timing.start, 'boot');
  assert.ok(lab.reported.includes('m1 closed a poisoned'));
});

scheduling('takes the sandbox that was started first, so that the last become idle and are closed', async () => {
  lab = new Lab({ sandboxes: 2, patienceMs: 100, parkMs: 1000, idleMs: 10_000, prestarted: 0 });
  const waiting = burst(A, 2);
  await settled();
  await lab.pass(100);
  await answerAll();
  await Promise.all(waiting);
  for (let calls = 0; calls < 20; calls += 1) {
    await lab.complete(A, 1);
    await lab.pass(500);
  }
  assert.equal(lab.states(), ['a ready']);
  assert.ok(lab.machines[1]!.closed);
  await lab.pass(10_000, 1000);
  assert.equal(lab.states(), []);
});

scheduling('keeps one more paused for a version that lately needed more than it had', async () => {
  lab = new Lab({ sandboxes: 4, patienceMs: 100, parkMs: 1000, idleMs: 5_000, prestarted: 1, demandMs: 60_000 });
  const waiting = burst(A, 2);
  await settled();
  await lab.pass(100);
  assert.equal(lab.states(), ['a ready', 'a ready', 'a paused']);
  // The next that comes finds it, and one more is started behind it.
  waiting.push(lab.invoke(A));
  await settled();
  assert.equal(lab.states(), ['a ready', 'a ready', 'a ready', 'a paused']);
  await answerAll();
  assert.is((await waiting[2]!).timing.start, 'restored');
  // What is not needed goes after its idle time, the one that is kept when the demand is no longer recent.
  await lab.pass(30_000, 1000);
  assert.equal(lab.states(), ['a paused']);
  await lab.pass(60_000, 1000);
  assert.equal(lab.states(), []);
});

scheduling('replaces a parked sandbox that was loaded by a clone, once there is a snapshot', async () => {
  lab = new Lab({ parkMs: 1000 });
  lab.source.sandboxKind = 'microvm';
  const gate = Promise.withResolvers<void>();
  lab.source.preparing = () => gate.promise;
  await lab.complete(A, 1);
  await lab.pass(1000);
  assert.equal(lab.source.started, ['a']);
  lab.source.via = 'function-clone';
  gate.resolve();
  await settled();
  assert.ok(lab.machines[0]!.closed);
  assert.ok(lab.reported.includes('m1 closed a replaced'));
  await lab.pass(1000);
  assert.equal(lab.states(), ['a paused']);
  assert.is((await lab.complete(A, 2)).timing.start, 'restored');
  await lab.pass(10_000, 1000);
  assert.equal(lab.source.started, ['a', 'a']);
});

for (const [what, kind, started] of [
  ['keeps the one it has when the other turns out to be no clone', 'microvm', 2],
  ['replaces no processes', 'process', 1],
] as const) {
  scheduling(what, async () => {
    lab = new Lab({ parkMs: 1000 });
    lab.source.sandboxKind = kind;
    await lab.complete(A, 1);
    await lab.pass(10_000, 1000);
    assert.equal([lab.source.started.length, lab.states()], [started, ['a paused']]);
    assert.not(lab.machines[0]!.closed);
    assert.is((await lab.complete(A, 1)).timing.start, 'restored');
    await lab.pass(10_000, 1000);
    assert.is(lab.source.started.length, started);
  });
}

scheduling('makes room in memory by ending what was used longest ago', async () => {
  lab = new Lab({ memoryBytes: 100 * MIB });
  lab.memoryBytes = 40 * MIB;
  await lab.complete(versionOf('a'), 1);
  lab.clock.advance(10);
  await lab.complete(versionOf('b'), 2);
  lab.clock.advance(10);
  await lab.complete(versionOf('a'), 1);
  assert.is(lab.pool.load().privateBytes, 80 * MIB);
  // An unknown version is expected to take 32 MiB, which are not there.
  await lab.complete(versionOf('c'), 3);
  assert.equal(lab.states(), ['a ready', 'c ready']);
  assert.ok(lab.machines[1]!.closed);
  assert.ok(lab.reported.includes('m2 closed b evicted'));
});

scheduling('ends nobody when there is room for what the version took last time', async () => {
  lab = new Lab({ memoryBytes: 100 * MIB, idleMs: 1000 });
  lab.memoryBytes = 10 * MIB;
  await lab.complete(versionOf('small'), 1);
  await lab.pass(1000);
  assert.equal(lab.states(), []);
  lab.memoryBytes = 80 * MIB;
  await lab.complete(versionOf('large'), 2);
  lab.memoryBytes = 10 * MIB;
  await lab.complete(versionOf('small'), 3);
  assert.equal(lab.states(), ['large ready', 'small ready']);
});

scheduling('ends the unused when one grows beyond the memory there is', async () => {
  lab = new Lab({ memoryBytes: 100 * MIB, measureMs: 5000, parkMs: 1000 });
  lab.deadlineMs = 60_000;
  await lab.complete(versionOf('a'), 1);
  const running = lab.invoke(versionOf('b'));
  const call = await (await lab.machine(2)).agent.next();
  await settled();
  lab.machines[1]!.memoryBytes = 90 * MIB;
  await lab.pass(5000, 1000);
  assert.equal(lab.states(), ['b ready']);
  assert.is(lab.pool.load().privateBytes, 90 * MIB);
  call.done();
  await running;
});

scheduling('starts the first of all also beyond the memory there is', async () => {
  lab = new Lab({ memoryBytes: 1 * MIB });
  await lab.complete(versionOf('a'), 1);
  await lab.complete(versionOf('b'), 2);
  assert.equal(lab.states(), ['b ready']);
});

scheduling('takes the only machine from a function that never rests, after its turn', async () => {
  lab = new Lab({ machines: 1, turnMs: 1000 });
  const waiting = burst(A, 20);
  const { agent } = await lab.machine(1);
  const first = await agent.next();
  waiting.push(lab.invoke(B));
  await lab.pass(400);
  first.done();
  await settled();
  // B waits, and A's next call goes in: its turn is not over.
  const second = await agent.next();
  await lab.pass(600);
  second.done();
  await settled();
  assert.is(lab.machines.length, 2);
  assert.equal(lab.states(), ['b ready']);
  // B is served and has nobody else, so A goes on at once.
  await answerAll();
  await Promise.all(waiting);
  assert.equal(lab.source.started, ['a', 'b', 'a']);
});

scheduling('takes a sandbox from a function that holds several for one that has none, at once', async () => {
  lab = new Lab({ machines: 3, sandboxes: 3, patienceMs: 10 });
  const waiting = burst(A, 20);
  await settled();
  await lab.pass(10);
  assert.is(lab.machines.length, 3);
  const served = lab.invoke(B);
  await settled();
  const busy = await Promise.all(lab.machines.map(({ agent }) => agent.next()));
  busy[0]!.done();
  await settled();
  busy[1]!.done();
  await settled();
  const [, , , fourth] = lab.machines;
  (await fourth!.agent.next()).done();
  await served;
  assert.is(lab.source.started.join(''), 'aaab');
  busy[2]!.done();
  await answerAll();
  await Promise.all(waiting);
});

scheduling('goes round when more functions are busy than there are machines', async () => {
  lab = new Lab({ machines: 2, turnMs: 1000 });
  lab.deadlineMs = 1_000_000;
  const versions = ['a', 'b', 'c', 'd'].map((id) => versionOf(id, { concurrency: 1 }));
  const waiting = versions.flatMap((version) => burst(version, 40));
  await settled();
  for (let passed = 0; passed < 9_000; passed += 100) {
    await lab.pass(100);
    for (const { agent } of lab.machines) while (agent.unasked > 0) (await agent.next()).done();
    await settled();
  }
  for (const id of ['a', 'b', 'c', 'd']) {
    assert.ok(lab.source.started.filter((started) => started === id).length >= 2, lab.source.started.join(''));
  }
  await lab.pool.close();
  await Promise.allSettled(waiting);
});

scheduling('does not wait for who was told to leave when another becomes unused before', async () => {
  lab = new Lab({ machines: 2, turnMs: 1000 });
  lab.deadlineMs = 60_000;
  const waiting = [lab.invoke(A)];
  const first = await (await lab.machine(1)).agent.next();
  await lab.pass(10);
  waiting.push(lab.invoke(B));
  const second = await (await lab.machine(2)).agent.next();
  await lab.pass(1000);
  waiting.push(lab.invoke(versionOf('c')));
  await settled();
  // One of the two was told to leave; the other is done earlier.
  second.done();
  await settled();
  assert.is(lab.source.started.join(''), 'abc');
  first.done();
  await answerAll();
  await Promise.all(waiting);
});

scheduling('says when to come again from what waits and how long one takes', async () => {
  lab = new Lab({ workers: 1, queueLength: 10 });
  lab.deadlineMs = 60_000;
  const running = lab.invoke(A);
  const { agent } = await lab.machine(1);
  const fake = await agent.next();
  await lab.pass(3000);
  fake.done();
  await running;
  await settled();
  const waiting = burst(A, 11);
  const refused = await failureOf(lab.invoke(A));
  assert.equal([refused.code, refused.retryAfterS], ['at-capacity', 30]);
  assert.match(refused.message, 'try again in 30 s');
  await answerAll();
  await Promise.all(waiting);
});

scheduling('is never told to come again later than in a minute', async () => {
  lab = new Lab({ workers: 1, queueLength: 1 });
  lab.deadlineMs = 1_000_000;
  const running = lab.invoke(A);
  const fake = await (await lab.machine(1)).agent.next();
  await lab.pass(900_000);
  fake.done();
  await running;
  await settled();
  const waiting = burst(A, 2);
  assert.is((await failureOf(lab.invoke(A))).retryAfterS, 60);
  await answerAll();
  await Promise.all(waiting);
});

scheduling.run();

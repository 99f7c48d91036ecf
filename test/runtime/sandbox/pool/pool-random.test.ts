// time limit: 60 s
import { randomInt } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { versionOf } from '../../../support/fake-version.ts';
import { EMPTY, PoolLab as Lab, MIB, settled } from '../../../support/pool-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const pool = suite('a pool under whatever happens');

const ROUNDS = 12;
const STEPS = 60;
const MACHINES = 5;
const STARTS = 2;

/** What may be told to a caller here; anything else is a defect. */
const TOLD = new Set([
  'ok',
  'machine-failed',
  'at-capacity',
  'starting',
  'client-closed',
  'deadline-exceeded',
  'version-unknown',
]);

/** Calls, answers, deaths, leaving callers, failing starts, dropped versions and time, in any order. */
async function round(random: SeededRandom): Promise<void> {
  const lab = new Lab({
    ...{ machines: MACHINES, starts: STARTS, sandboxes: 3, memoryBytes: 120 * MIB, queueLength: 8, queueMs: 20_000 },
    ...{ patienceMs: 100, parkMs: 500, idleMs: 5_000, demandMs: 10_000, turnMs: 300 },
  });
  lab.source.sandboxKind = random.pick(['process', 'microvm']);
  lab.deadlineMs = 3_000;
  const outcomes: Promise<string>[] = [];
  const held: (() => void)[] = [];
  let starting = 0;
  lab.gate = async () => {
    starting += 1;
    try {
      assert.ok(starting <= STARTS, `${starting} starts at once`);
      if (random.below(2) === 0) await new Promise<void>((resolve) => held.push(resolve));
      if (random.below(8) === 0) throw new CloudletError('machine-failed', 'QEMU ended by SIGKILL');
    } finally {
      starting -= 1;
    }
  };
  const call = () => {
    lab.idempotent = random.below(2) === 0;
    lab.memoryBytes = random.pick([5, 20, 60, 150]) * MIB;
    lab.source.via = random.pick(['boot', 'golden-clone', 'function-clone']);
    const caller = new AbortController();
    if (random.below(6) === 0) lab.clock.after(random.below(2_000), () => caller.abort());
    const version = versionOf(random.pick(['a', 'b', 'c', 'd', 'e', 'f']), { concurrency: 1 + random.below(3) });
    const outcome = lab.invoke(version, EMPTY, caller.signal).then((invocation) => invocation.done.then(() => 'ok'));
    outcomes.push(outcome.catch((error: unknown) => (error instanceof CloudletError ? error.code : String(error))));
  };
  const answer = async () => {
    for (const { agent } of lab.machines) {
      if (agent.unasked === 0 || random.below(3) === 0) continue;
      const invocation = await agent.next();
      if (random.below(5) === 0) invocation.fail('guest-trapped');
      else if (random.below(8) > 0) invocation.done();
    }
  };
  const kill = () => {
    const alive = lab.machines.filter(({ closed }) => !closed);
    if (alive.length > 0) random.pick(alive).die(null, 'SIGKILL');
  };
  for (let step = 0; step < STEPS; step += 1) {
    const what = random.below(20);
    if (what < 8) call();
    else if (what < 13) await answer();
    else if (what < 16) held.splice(random.below(held.length + 1), 1)[0]?.();
    else if (what < 17) kill();
    else if (what < 18) lab.pool.drop(random.pick(['a', 'b', 'c', 'd', 'e', 'f']));
    else lab.clock.advance(random.pick([1, 100, 600, 6_000]));
    await settled();
    const { length } = lab.pool.sandboxes();
    assert.ok(length <= MACHINES, `${length} sandboxes`);
  }
  // Whatever is still open comes to an end by deadlines and limits of waiting alone.
  for (let left = 0; left < 60; left += 1) {
    for (const go of held.splice(0)) go();
    await lab.pass(1_000);
  }
  for (const outcome of await Promise.all(outcomes))
    assert.ok(TOLD.has(outcome) || outcome === 'guest-trapped', outcome);
  const { running, queued } = lab.pool.load();
  assert.equal([running, queued], [0, 0]);
  await lab.pool.close();
  assert.equal([lab.pool.sandboxes(), lab.pool.load().privateBytes], [[], 0]);
  assert.ok(lab.machines.every(({ closed }) => closed));
}

pool('answers every caller once, stays within its limits, and leaves nothing behind', async () => {
  const random = new SeededRandom(randomInt(2 ** 31));
  for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
    try {
      await round(random);
    } catch (error) {
      throw new Error(`seed ${random.seed}, round ${rounds}: ${(error as Error).message}`, { cause: error });
    }
  }
});

pool.run();

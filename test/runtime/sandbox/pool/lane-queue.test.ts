import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { LaneQueue } from '../../../../runtime/sandbox/pool/lane-queue.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { codeOf, failureOf } from '../../../support/pool-lab.ts';

const queue = suite<{ clock: FakeClock; queue: LaneQueue; isFirstStarting: boolean }>('a queue');

queue.before.each((context) => {
  context.clock = new FakeClock();
  context.isFirstStarting = false;
  context.queue = new LaneQueue({
    ...{ clock: context.clock, queueLength: 3, queueMs: 1000, retryAfterS: () => 7 },
    isFirstStarting: () => context.isFirstStarting,
  });
});

queue('gives who came first first, with what was known when it came', ({ clock, queue: waiting }) => {
  const outcomes = [waiting.wait(1), waiting.wait(2)].map(codeOf);
  clock.advance(5);
  assert.equal([waiting.length, waiting.oldestSince], [2, 0]);
  assert.equal([waiting.shift()?.epoch, waiting.shift()?.epoch, waiting.shift()], [1, 2, undefined]);
  assert.is(waiting.oldestSince, null);
  assert.is(outcomes.length, 2);
});

queue('refuses one too many', async ({ queue: waiting }) => {
  const outcomes = [0, 0, 0].map((epoch) => codeOf(waiting.wait(epoch)));
  const refused = await failureOf(waiting.wait(0));
  assert.equal([refused.code, refused.retryAfterS], ['at-capacity', 7]);
  waiting.rejectAll(new CloudletError('draining', 'over'));
  assert.equal(await Promise.all(outcomes), ['draining', 'draining', 'draining']);
});

queue('lets each wait equally long, also those behind one that got its place', async ({ clock, queue: waiting }) => {
  waiting.wait(0).catch(() => {});
  clock.advance(400);
  const second = codeOf(waiting.wait(0));
  clock.advance(400);
  const third = codeOf(waiting.wait(0));
  waiting.shift();
  clock.advance(599);
  assert.is(waiting.length, 2);
  clock.advance(1);
  assert.is(await second, 'at-capacity');
  assert.is(waiting.length, 1);
  clock.advance(400);
  assert.is(await third, 'at-capacity');
});

queue('tells who waited too long whether it is for the first to start, or for one to be free', async (context) => {
  for (const [isFirstStarting, code, words] of [
    [true, 'starting', /first sandbox did not start within 1000 ms, and goes on starting; try again in 7 s/],
    [false, 'at-capacity', /no sandbox was free within 1000 ms; try again in 7 s/],
  ] as const) {
    context.isFirstStarting = isFirstStarting;
    const refused = failureOf(context.queue.wait(0));
    context.clock.advance(1000);
    assert.is((await refused).code, code);
    assert.match((await refused).message, words);
    assert.is((await refused).retryAfterS, 7);
  }
});

queue('forgets who left, and not who got its place before it left', async ({ queue: waiting }) => {
  const callers = [new AbortController(), new AbortController()];
  const outcomes = callers.map(({ signal }) => waiting.wait(0, signal));
  const served = waiting.shift();
  for (const caller of callers) caller.abort();
  assert.is(await codeOf(outcomes[1]!), 'client-closed');
  assert.is(waiting.length, 0);
  const place = { sandbox: null as never, timing: { queueMs: 0, startMs: 0, start: 'idle' }, leave: () => {} } as const;
  served!.give(place);
  assert.is(await outcomes[0], place);
});

queue.run();

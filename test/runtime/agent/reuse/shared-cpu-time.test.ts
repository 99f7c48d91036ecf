import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuLimit } from '../../../../runtime/agent/cpu-limit.ts';
import { SharedCpuTime } from '../../../../runtime/agent/reuse/shared-cpu-time.ts';

const times = suite('processor time of invocations that share a worker');

const LIMIT_MS = 50;

/** A thread that computes, from a start that is not 0, and the time of who runs in it. */
function thread() {
  const clock = { usedMs: 1000 };
  return { clock, time: new SharedCpuTime(() => clock.usedMs) };
}

for (const count of [1, 4, 16]) {
  times(`each of ${count} at once may use what it was granted`, () => {
    const { clock, time } = thread();
    const limits = Array.from({ length: count }, () => {
      time.enter();
      return new CpuLimit(LIMIT_MS, time.shareMs);
    });
    /** How many have used up their time when the thread has computed for so long, each looked at in every millisecond. */
    const usedUpAt = (ms: number): number => {
      let usedUp = 0;
      while (clock.usedMs < 1000 + ms) {
        clock.usedMs += 1;
        usedUp = limits.filter((limit) => limit.isUsedUp(clock.usedMs)).length;
      }
      return usedUp;
    };
    for (const limit of limits) limit.isUsedUp(clock.usedMs);
    assert.is(usedUpAt(LIMIT_MS * count), 0);
    assert.is(usedUpAt((LIMIT_MS + 2) * count), count);
  });
}

times('who comes later is not charged for what was before, and who stays is charged for what comes after', () => {
  const { clock, time } = thread();
  time.enter();
  clock.usedMs += 30;
  time.enter();
  const later = new CpuLimit(LIMIT_MS, time.shareMs);
  later.isUsedUp(0);
  clock.usedMs += 40;
  assert.is(time.shareMs(), 50, 'all of 30 and half of 40');
  time.leave();
  clock.usedMs += 30;
  assert.is(later.isUsedUp(100), false, 'half of 40 and all of 30');
  clock.usedMs += 1;
  assert.is(later.isUsedUp(101), true);
});

times('what the thread does while nothing runs is charged to nobody', () => {
  const { clock, time } = thread();
  assert.is(time.shareMs(), 0);
  time.enter();
  clock.usedMs += 5;
  time.leave();
  clock.usedMs += 1000;
  time.enter();
  clock.usedMs += 2;
  assert.is(time.shareMs(), 7);
});

times.run();

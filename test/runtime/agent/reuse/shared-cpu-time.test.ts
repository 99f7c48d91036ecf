import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuLimit } from '../../../../runtime/agent/cpu-limit.ts';
import { SharedCpuTime } from '../../../../runtime/agent/reuse/shared-cpu-time.ts';

const times = suite('processor time of invocations that share a worker');

const LIMIT_MS = 50;

/** A thread that always computes, from a start that is not 0, the time of who runs in it, and how often it was looked at. */
function thread() {
  const clock = { usedMs: 1000, looks: 0 };
  const used = () => {
    clock.looks += 1;
    return clock.usedMs;
  };
  return { clock, time: new SharedCpuTime(used, () => clock.usedMs) };
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

times('many that are short are counted with one look in a millisecond, and no less', () => {
  const { clock, time } = thread();
  for (let turn = 0; turn < 1000; turn += 1) {
    time.enter();
    time.enter();
    clock.usedMs += 0.05;
    time.leave();
    clock.usedMs += 0.05;
    time.leave();
  }
  assert.ok(clock.looks <= 101, `${clock.looks} looks`);
  // Of each turn, half a share of 0.05 and a whole one; who ran at which moment of a millisecond is told by its average.
  const sharedMs = time.shareMs();
  assert.ok(sharedMs > 60 && sharedMs < 80, `${sharedMs} ms`);
});

times("what little runs between much that is nobody's is charged with no more than its own time", () => {
  const { clock, time } = thread();
  time.enter();
  clock.usedMs += 0.4;
  time.leave();
  clock.usedMs += 500;
  time.enter();
  assert.ok(Math.abs(time.shareMs() - 0.4) < 1e-6, `${time.shareMs()} ms`);
});

times.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lease } from '../../../runtime/service/lease.ts';
import { isAlive, movedTo } from '../../../runtime/service/service-vm-state.ts';
import { VmUsers } from '../../../runtime/service/vm-users.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const lease = suite('a lease');

/** Steps of time and use, after which it has ended, or not. */
for (const [what, steps, expired] of [
  ['ends after its time', [1000], 1],
  ['does not end before', [999], 0],
  ['is renewed by a use', [900, 'use', 900], 0],
  ['ends after its last use', [900, 'use', 1000], 1],
  ['does not end while it is held', ['hold', 50_000], 0],
  ['ends its whole time after it was let go', ['hold', 50_000, 'let go', 999], 0],
  ['ends once', ['hold', 50_000, 'let go', 1000, 50_000], 1],
  ['is held by each of several', ['hold', 'hold', 'let go', 50_000], 0],
  ['does not end when it has ended otherwise', ['end', 50_000], 0],
] as const) {
  lease(what, () => {
    const clock = new FakeClock();
    let ends = 0;
    const one = new Lease(clock, 1000, () => {
      ends += 1;
    });
    const holds: (() => void)[] = [];
    for (const step of steps as readonly (number | string)[]) {
      if (typeof step === 'number') clock.advance(step);
      if (step === 'use') one.renew();
      if (step === 'hold') holds.push(one.hold());
      if (step === 'end') one.end();
      if (step !== 'let go') continue;
      const letGo = holds.pop()!;
      letGo();
      letGo();
    }
    assert.is(ends, expired);
  });
}

lease('says how much time is left', () => {
  const clock = new FakeClock();
  const one = new Lease(clock, 1000, () => {});
  clock.advance(400);
  assert.is(one.leftMs, 600);
  one.hold();
  assert.is(one.leftMs, 1000);
});

lease('users of a VM are counted while it would live by their use', () => {
  const clock = new FakeClock();
  const users = new VmUsers(clock, 1000);
  users.note('ann');
  clock.advance(600);
  users.note('bob');
  assert.equal([users.count, users.lastUse('ann'), users.lastUse('cal')], [2, 0, null]);
  clock.advance(600);
  assert.equal([users.count, users.lastUse('ann')], [1, null]);
  for (let at = 0; at < 5000; at += 1) users.note(`user-${at}`);
  assert.is(users.count, 1000);
});

lease('a VM moves by the table alone', () => {
  assert.is(movedTo('starting', 'ready'), 'ready');
  for (const [from, to] of [
    ['gone', 'ready'],
    ['failed', 'stopping'],
    ['ready', 'starting'],
    ['stopping', 'failed'],
  ] as const) {
    assert.throws(() => movedTo(from, to), /cannot go from/);
  }
  assert.equal((['starting', 'ready', 'stopping', 'gone', 'failed'] as const).filter(isAlive), ['starting', 'ready']);
});

lease.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { FairPlaces } from '../../../runtime/service/fair-places.ts';

const fair = suite('places in fair shares');
const places = (limit: number, share: number) =>
  new FairPlaces({ limit, share, what: 'things at once', remedy: 'wait', retryAfterS: 3 });

/** How many a user gets who takes all that there are. */
function grab(from: FairPlaces, user: string | null): number {
  for (let got = 0; ; got += 1) {
    try {
      from.take(user);
    } catch (error) {
      assert.is((error as CloudletError).code, 'at-capacity');
      return got;
    }
  }
}

for (const [limit, share, users, got] of [
  [64, 1, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], [32, 16, 8, 4, 2, 1, 1, 0]],
  [16, 3, ['a', 'b', 'c'], [12, 3, 1]],
  [128, 3, ['a', 'b'], [96, 24]],
  [1, 1, ['a', 'b'], [1, 0]],
  [2, 3, ['a'], [2]],
  [16, 3, [null, 'a'], [16, 0]],
] as const)
  fair(`of ${limit} those who take all they can, one after the other, get ${got.join(', ')} (share ${share})`, () => {
    const all = places(limit, share);
    assert.equal(
      users.map((user) => grab(all, user)),
      got,
    );
  });

fair('a place that is left is free again, once', () => {
  const all = places(2, 3);
  const leave = all.take('a');
  all.take('a');
  assert.throws(() => all.take('a'), /at most 2 things at once; wait/);
  leave();
  leave();
  assert.is(all.free, 1);
  all.take('b');
  assert.is(all.free, 0);
});

fair('who has too many is told how many are left, and when to come again', () => {
  const all = places(4, 1);
  grab(all, 'a');
  try {
    all.take('a');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.match((error as Error).message, /some of 4 things at once to be left for others \(2\).*beside 2; wait/);
    assert.is((error as CloudletError).retryAfterS, 3);
  }
});

fair.run();

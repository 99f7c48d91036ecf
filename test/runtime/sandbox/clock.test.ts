import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../runtime/sandbox/clock.ts';

const clock = suite('the real clock');

clock('what is to happen in years does not happen at once', async () => {
  let happened = 0;
  const cancel = systemClock.after(1e12, () => {
    happened += 1;
  });
  // A timer that is too long for Node fires after a millisecond: before one of two.
  await new Promise((resolve) => setTimeout(resolve, 2));
  cancel();
  assert.is(happened, 0);
});

clock.run();

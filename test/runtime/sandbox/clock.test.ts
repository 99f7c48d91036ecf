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

clock('what was due before happens after this, without a warning of Node', async () => {
  const warnings: string[] = [];
  const warn = (warning: Error) => void warnings.push(warning.name);
  process.on('warning', warn);
  const stayAlive = setInterval(() => {}, 1000);
  try {
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    systemClock.after(-0.5, () => order.push('due half a millisecond ago'));
    systemClock.after(-1e12, () => {
      order.push('due years ago');
      resolve();
    });
    order.push('asked');
    await promise;
    assert.equal([order, warnings], [['asked', 'due half a millisecond ago', 'due years ago'], []]);
  } finally {
    process.off('warning', warn);
    clearInterval(stayAlive);
  }
});

clock.run();

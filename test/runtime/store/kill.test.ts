// end to end
import { randomInt } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { killPublishLoop } from './kill.ts';

const kill = suite('store under kill -9');

kill('32 kills at random moments lose nothing that was reported and tear nothing', async () => {
  const seed = randomInt(2 ** 31);
  console.log(`seed ${seed}`);
  const { changes, interrupted } = await killPublishLoop(32, seed);
  console.log(`${changes} changes, ${interrupted} interrupted`);
  assert.ok(changes > 32 && interrupted > 0, 'the kills hit a loop at work');
});

kill.run();

// time limit: 600 s
import { randomInt } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { killPublishLoop } from './kill.ts';

const kill = suite('store under kill -9');

kill('300 kills at random moments lose nothing that was reported and tear nothing', async () => {
  const seed = randomInt(2 ** 31);
  console.log(`seed ${seed}`);
  const { changes, interrupted } = await killPublishLoop(300, seed);
  console.log(`${changes} changes, ${interrupted} interrupted`);
  assert.ok(changes > 300 && interrupted > 0, 'the kills hit a loop at work');
});

kill.run();

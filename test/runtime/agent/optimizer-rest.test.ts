import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENOUGH_INVOCATIONS, OptimizerRest } from '../../../runtime/agent/optimizer-rest.ts';

const rest = suite("the rest of the engine's optimizers");

// Natives are known to what is compiled after the flag was set.
setFlagsFromString('--allow-natives-syntax');
const makeHot = new Function(`
  const hot = (value) => { let sum = 0; for (let at = 0; at < 100; at++) sum += value.at + at; return sum; };
  return {
    run: () => { for (let call = 0; call < 5_000; call++) hot({ at: call }); },
    isOptimized: () => (%GetOptimizationStatus(hot) & (1 << 4 | 1 << 5)) !== 0,
  };
`) as () => { readonly run: () => void; readonly isOptimized: () => boolean };

rest.after(() => setFlagsFromString('--no-allow-natives-syntax'));

/** It is done by another thread: the function is called until it is seen. */
async function untilOptimized(): Promise<void> {
  for (const hot = makeHot(); !hot.isOptimized(); await setImmediate()) hot.run();
}

rest('nothing is optimized until enough was served', async () => {
  const optimizers = new OptimizerRest();
  optimizers.begin();
  const hot = makeHot();
  const isStillPlain = async () => {
    hot.run();
    await setImmediate();
    hot.run();
    return !hot.isOptimized();
  };
  assert.ok(await isStillPlain());
  for (let served = 1; served < ENOUGH_INVOCATIONS; served += 1) optimizers.count();
  assert.ok(await isStillPlain());
  optimizers.count();
  await untilOptimized();
});

rest('who never rested stays as it is', async () => {
  new OptimizerRest().count();
  await untilOptimized();
});

rest.run();

import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENOUGH, OptimizerRest } from '../../../runtime/agent/optimizer-rest.ts';

const rest = suite("the rest of the engine's optimizers");

// Natives are known to what is compiled after the flag was set.
setFlagsFromString('--allow-natives-syntax');
let made = 0;

/** A function that is called again and again. Each has a text of its own: of one text the optimized code is shared. */
function makeHot(): { run(): void; isOptimized(): boolean } {
  return new Function(`
    const hot = (value) => { let sum = ${made++}; for (let at = 0; at < 100; at++) sum += value.at + at; return sum; };
    return {
      run: () => { for (let call = 0; call < 5_000; call++) hot({ at: call }); },
      isOptimized: () => (%GetOptimizationStatus(hot) & (1 << 4 | 1 << 5)) !== 0,
    };
  `)();
}

rest.after(() => setFlagsFromString('--no-allow-natives-syntax'));

/** It is done by another thread: the function is called until it is seen. */
async function untilOptimized(): Promise<void> {
  for (const hot = makeHot(); !hot.isOptimized(); await setImmediate()) hot.run();
}

async function staysPlain(): Promise<void> {
  const hot = makeHot();
  hot.run();
  await setImmediate();
  hot.run();
  assert.not.ok(hot.isOptimized());
}

rest('nothing is optimized until enough was served', async () => {
  const optimizers = new OptimizerRest(() => 0);
  optimizers.begin();
  await staysPlain();
  for (let served = 1; served < ENOUGH.invocations; served += 1) {
    optimizers.watch(false);
    optimizers.count(true);
  }
  await staysPlain();
  optimizers.count(true);
  await untilOptimized();
});

for (const [what, computed] of [
  ['a guest computes for long', (optimizers: OptimizerRest) => optimizers.look()],
  ['few invocations took long', (optimizers: OptimizerRest) => optimizers.count(true)],
] as const) {
  rest(`or until ${what}`, async () => {
    let usedMs = 7_000;
    const optimizers = new OptimizerRest(() => usedMs);
    optimizers.begin();
    usedMs += ENOUGH.cpuMs;
    const serve = () => {
      optimizers.watch(false);
      computed(optimizers);
    };
    serve();
    await staysPlain();
    usedMs += 1;
    serve();
    await untilOptimized();
  });
}

rest('a rehearsal ends it never', async () => {
  let usedMs = 0;
  const optimizers = new OptimizerRest(() => usedMs);
  optimizers.begin();
  usedMs += 2 * ENOUGH.cpuMs;
  for (let served = 0; served <= ENOUGH.invocations; served += 1) {
    optimizers.watch(true);
    optimizers.look();
    optimizers.count(true);
  }
  await staysPlain();
  optimizers.watch(false);
  optimizers.look();
  await untilOptimized();
});

/** Waits for the thread that optimizes what it was given, however late it is: a count of turns was too few of them under load. */
const finishOptimizing = (): void => new Function('%FinalizeOptimization()')();

/** A function that is called once an invocation, and takes little of it. */
function makeSeldom(): { run(): void; isOptimized(): boolean } {
  return new Function(`
    const seldom = (value) => value.at + ${made++};
    return { run: () => seldom({ at: 1 }), isOptimized: () => (%GetOptimizationStatus(seldom) & (1 << 4 | 1 << 5)) !== 0 };
  `)();
}

rest('what ran while they rested is optimized soon after, though it is called once an invocation', async () => {
  const optimizers = new OptimizerRest(() => 0);
  optimizers.begin();
  const seldom = makeSeldom();
  for (let served = 0; served < ENOUGH.invocations; served += 1) {
    seldom.run();
    optimizers.watch(false);
    optimizers.count(true);
  }
  assert.not.ok(seldom.isOptimized());
  for (let served = 0; served < 6 * ENOUGH.invocations && !seldom.isOptimized(); served += 1) {
    seldom.run();
    await setImmediate();
  }
  finishOptimizing();
  seldom.run();
  assert.ok(seldom.isOptimized());
});

rest('who never rested stays as it is', async () => {
  const optimizers = new OptimizerRest();
  optimizers.watch(false);
  optimizers.count(true);
  await untilOptimized();
});

rest.run();

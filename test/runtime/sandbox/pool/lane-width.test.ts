import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  isComputerFull,
  isOverfull,
  nextWidth,
  type WidthSample,
} from '../../../../runtime/sandbox/pool/lane-width.ts';

const width = suite('the width of a sandbox');

/** Two of four places are open, and compute; one processor is idle. */
const SAMPLE: WidthSample = { width: 2, most: 4, processors: 2, need: 1.6, idle: 1, ended: 2, running: 2, runMs: 50 };

/** One processor, which computes; of the others none is idle. */
const SHORT: Partial<WidthSample> = {
  width: 1,
  processors: 1,
  need: 0.95,
  idle: 0,
  ended: 80,
  running: 0.8,
  runMs: 0.8,
};

for (const [what, change, next] of [
  ['is at least its processors', {}, 2],
  ['also while the computer is full', { idle: 0 }, 2],
  ['is one for one processor', { width: 1, processors: 1, idle: 0 }, 1],
  ['stays at its processors while they compute', { need: 1.6 }, 2],
  ['grows twofold while its places wait for something else', { need: 0.5 }, 4],
  ['grows then also when others use all processors', { need: 0.5, idle: 0 }, 4],
  ['never grows beyond its places', { width: 4, need: 0 }, 4],
  ['nor when it has more processors than those', { width: 4, processors: 16, need: 3.8, idle: 12 }, 4],
  ['nor then while the computer is full', { width: 4, processors: 16, need: 3.8, idle: 0 }, 4],
  ['narrows when its processors have no pause', { width: 4, need: 1.9 }, 3],
  ['narrows when those of the computer have none', { width: 3, need: 1.6, idle: 0 }, 2],
  ['stays between waiting and computing', { width: 3, need: 1.6 }, 3],
  ['is what is sent ahead to its processor, when they are short', SHORT, 4],
  ['stays that', { ...SHORT, width: 4 }, 4],
  ['is no more than what is sent ahead, with more places', { ...SHORT, most: 16 }, 4],
  ['is that for each of its processors', { ...SHORT, most: 16, processors: 2, need: 1.9 }, 8],
  ['never is beyond its places, when they are short', { ...SHORT, most: 3 }, 3],
  ['narrows when they are no longer surely short', { ...SHORT, width: 4, runMs: 1.2 }, 3],
  ['is not widened for a few short ones', { ...SHORT, ended: 7 }, 1],
] as const satisfies readonly (readonly [string, Partial<WidthSample>, number])[]) {
  width(what, () => assert.is(nextWidth({ ...SAMPLE, ...change }), next));
}

for (const [what, change, full] of [
  ['is not full while a processor is idle', {}, false],
  ['is full when less than one is and it computes', { idle: 0.5 }, true],
  ['is not full for those that wait for something else', { idle: 0, need: 0.2 }, false],
  [
    'has nothing for one more to do when short ones are on their way for most of the time',
    { ended: 100, running: 0.2 },
    true,
  ],
  ['has when it is busy around them', { ended: 100, running: 0.2, need: 1.9 }, false],
  ['has not as long as that is not known', { ended: 100, running: 0.2, need: Number.POSITIVE_INFINITY }, true],
  ['has not when others are', { ended: 100, running: 0.2, need: 1.9, idle: 0.1 }, true],
  ['has when they run', { ended: 100, running: 1.5 }, false],
  ['has when short ones run, of which most wait for their turn in the sandbox', { ...SHORT, width: 4, idle: 1 }, false],
  ['has not when those are on their way as well', { ...SHORT, width: 4, need: 0.8, running: 0.4, idle: 0.5 }, true],
  ['has when few have ended, and the others may run', { ended: 8, running: 0.2 }, false],
] as const satisfies readonly (readonly [string, Partial<WidthSample>, boolean])[]) {
  width(`the computer ${what}`, () => assert.is(isComputerFull({ ...SAMPLE, ...change }), full));
}

for (const [what, change, is] of [
  ['is overfull when short ones have all of its processor and half of another is idle', { idle: 0.5 }, true],
  ['is not when less is', { idle: 0.4 }, false],
  ['nor when its processor has pauses', { idle: 1, need: 0.8 }, false],
  ['nor when they are not short, who would wait before it', { idle: 1, runMs: 5 }, false],
  ['nor as long as its need is not known', { idle: 1, need: Number.POSITIVE_INFINITY }, false],
] as const satisfies readonly (readonly [string, Partial<WidthSample>, boolean])[]) {
  width(what, () => assert.is(isOverfull({ ...SAMPLE, ...SHORT, ...change }), is));
}

width.run();

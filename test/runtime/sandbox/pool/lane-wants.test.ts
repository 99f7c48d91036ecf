import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type LaneLoad,
  placesAllowed,
  sandboxesAllowed,
  sandboxesWanted,
} from '../../../../runtime/sandbox/pool/lane-wants.ts';

const wants = suite('a lane');

/** Four sandboxes allowed, one held, with four places each; ten wait, for twice as long as is patient. */
const LOAD: LaneLoad = {
  ...{ waiting: 10, oldestMs: 200, shortMs: 200, placesToCome: 0, placesEach: 4, held: 1, sandboxes: 4 },
  ...{ drainMs: 1000, startMs: 300, patienceMs: 100, isEnough: false },
};

for (const [what, change, wanted] of [
  ['wants as many as those who wait have use for', {}, 3],
  ['wants one at once when it has none', { waiting: 1, oldestMs: 0, shortMs: 0, held: 0, drainMs: 0 }, 1],
  ['wants nothing when nobody waits', { waiting: 0 }, 0],
  ['wants no more than it may have', { waiting: 100, held: 3 }, 1],
  ['wants nothing beyond its maximum', { held: 4 }, 0],
  ['leaves those who wait to starts that go on', { placesToCome: 10 }, 0],
  ['wants more beside them for the others', { placesToCome: 8 }, 1],
  ['wants nothing beside them when they have all processors', { isEnough: true }, 0],
  ['wants its first also then', { waiting: 1, held: 0, isEnough: true }, 1],
  ['is patient', { oldestMs: 99, shortMs: 99 }, 0],
  ['waits for its sandboxes when they are faster than a start', { drainMs: 200 }, 0],
  ['does not when it goes on like this for as long as a start', { drainMs: 200, shortMs: 300 }, 3],
  ['does not start for each short moment of many', { oldestMs: 50, shortMs: 250 }, 0],
] as const satisfies readonly (readonly [string, Partial<LaneLoad>, number])[]) {
  wants(what, () => assert.is(sandboxesWanted({ ...LOAD, ...change }), wanted));
}

for (const [instances, concurrency, places, sandboxes] of [
  [256, 4, 4, 8],
  [16, 4, 4, 4],
  [15, 4, 4, 3],
  [4, 4, 4, 1],
  [3, 4, 3, 1],
  [1, 4, 1, 1],
  [1, 1, 1, 1],
] as const) {
  wants(
    `${sandboxes} sandboxes of ${places} places, of the 8 that any may have, for ${instances} instances, ${concurrency} at once`,
    () => {
      assert.equal(
        [placesAllowed({ instances, concurrency }), sandboxesAllowed(8, { instances, concurrency })],
        [places, sandboxes],
      );
    },
  );
}

wants.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadInTurn } from '../../../runtime/agent/load-in-turn.ts';
import type { WorkerComponent } from '../../../runtime/agent/worker-message.ts';

const loads = suite('loading the workers of an agent');

const COMPONENT = { glue: '' } as WorkerComponent;
const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const [atOnce, began] of [
  [1, [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]],
  [
    2,
    [
      [0, 1],
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  ],
  [
    8,
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  ],
] as const) {
  loads(`has ${atOnce} at once, and ends with the last`, async () => {
    const begun: number[] = [];
    const awaiting: number[] = [];
    const settle: (() => void)[] = [];
    const slots = [0, 1, 2, 3].map((worker) => ({
      load: (_: WorkerComponent, awaitsCall: boolean) =>
        new Promise<void>((resolve) => {
          begun.push(worker);
          if (awaitsCall) awaiting.push(worker);
          settle[worker] = resolve;
        }),
    }));
    let isOver = false;
    const over = loadInTurn(slots, COMPONENT, atOnce).then(() => {
      isOver = true;
    });
    for (const [settled, expected] of began.entries()) {
      await turn();
      assert.equal(begun, expected);
      assert.not(isOver);
      settle[settled]!();
    }
    await over;
    // Of one processor the first call has all.
    assert.equal(awaiting, atOnce === 1 ? [0] : []);
  });
}

loads.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseLine } from '../../../../runtime/sandbox/channel/line-choice.ts';

const choice = suite('the choice of a line');

for (const [busy, processors, chosen] of [
  [[0, 0, 0, 0], 2, 0],
  [[1, 0, 0, 0], 2, 1],
  [[2, 3, 0, 0], 2, 0],
  [[2, 3, 1, 0], 4, 3],
  // Those are full.
  [[16, 16, 1, 0], 2, 2],
  [[16, 16, 16, 3], 2, 3],
  [[16, 16, 16, 16], 2, undefined],
] as const) {
  choice(`of lines with ${busy} invocations and ${processors} processors, ${chosen} gets the next`, () => {
    const lines = busy.map((count) => ({ busy: count, free: count < 16, takesAhead: false }));
    assert.is(chooseLine(lines, processors, true), chosen === undefined ? undefined : lines[chosen]);
  });
}

for (const [what, busy, processors, isShort, chosen] of [
  ['a free worker rather than waiting behind another', [1, 0, 0, 0], 2, true, 1],
  ['the one that has the least, when those with a processor are busy', [2, 1, 0, 0], 2, true, 1],
  ['a free worker without a processor, when it is long', [2, 1, 0, 0], 2, false, 2],
  ['a free worker without a processor, when the others have enough', [4, 4, 0, 0], 2, true, 2],
  ['none, when all have enough', [4, 4, 1, 1], 2, true, undefined],
] as const) {
  choice(`of workers with one at a time, an invocation gets ${what}`, () => {
    const lines = busy.map((count) => ({ busy: count, free: count === 0, takesAhead: count > 0 && count < 4 }));
    assert.is(chooseLine(lines, processors, isShort), chosen === undefined ? undefined : lines[chosen]);
  });
}

choice.run();

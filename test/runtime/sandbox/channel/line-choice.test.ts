import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseLine, type LineNeeds } from '../../../../runtime/sandbox/channel/line-choice.ts';

const choice = suite('the choice of a line');

const NEEDS: LineNeeds = { processors: 2, most: 4, isShort: true, together: 0, now: 100, stuckMs: 20 };

/** Lines of which each has so many invocations, and all have just ended one. */
const linesOf = (busy: readonly number[], movedAt: readonly number[] = []) =>
  busy.map((count, at) => ({ busy: count, free: count === 0, takesAhead: count > 0, movedAt: movedAt[at] ?? 100 }));

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
    const lines = linesOf(busy).map((line) => ({ ...line, free: line.busy < 16, takesAhead: false }));
    assert.is(chooseLine(lines, { ...NEEDS, processors }), chosen === undefined ? undefined : lines[chosen]);
  });
}

for (const [what, busy, needs, chosen] of [
  ['a free worker rather than waiting behind another', [1, 0, 0, 0], {}, 1],
  ['the one that has the least, when those with a processor are busy', [2, 1, 0, 0], {}, 1],
  ['a free worker without a processor, when it is long', [2, 1, 0, 0], { isShort: false }, 2],
  ['a free worker without a processor, when the others have enough', [4, 4, 0, 0], {}, 2],
  ['none, when all have enough', [4, 4, 1, 1], {}, undefined],
  ['none, when as many as may have one', [4, 4, 0, 0], { most: 2 }, undefined],
  ['one that has some, when more together end sooner', [1, 0, 0, 0], { together: 8 }, 0],
  ['the first that has room for more together', [8, 2, 0, 0], { together: 8 }, 1],
  ['a free worker, when the one before it has enough', [8, 0, 0, 0], { together: 8 }, 1],
  ['a free worker that comes before one that has some', [0, 2, 0, 0], { together: 8 }, 0],
  ['a free worker, when it is long', [1, 0, 0, 0], { together: 8, isShort: false }, 1],
  ['a free worker without a processor, when those have all that may be together', [8, 8, 0, 0], { together: 8 }, 2],
] as const satisfies readonly (readonly [string, readonly number[], Partial<LineNeeds>, number | undefined])[]) {
  choice(`of workers with one at a time, an invocation gets ${what}`, () => {
    const lines = linesOf(busy);
    assert.is(chooseLine(lines, { ...NEEDS, ...needs }), chosen === undefined ? undefined : lines[chosen]);
  });
}

choice('is another one when what the first has does not end', () => {
  const lines = linesOf([1, 0], [96, 0]);
  assert.is(chooseLine(lines, { ...NEEDS, together: 8 }), lines[1]);
});

choice('is another one, without a processor even, when the first is stuck, and not before', () => {
  const lines = linesOf([1, 0], [100, 0]);
  for (const [stuckMs, restMs, chosen] of [
    [20, 19, 0],
    [20, 20, 1],
    [400, 399, 0],
    [400, 400, 1],
  ] as const) {
    const needs = { ...NEEDS, processors: 1, now: 100 + restMs, stuckMs };
    assert.is(chooseLine(lines, needs), lines[chosen], `${restMs} of ${stuckMs} ms`);
  }
});

choice.run();

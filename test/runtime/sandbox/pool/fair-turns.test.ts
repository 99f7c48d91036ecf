import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FairTurns } from '../../../../runtime/sandbox/pool/fair-turns.ts';

const turns = suite('fair turns');

/** Gives `count` turns to takers that always want one; ties go to the first. */
function give(fair: FairTurns, takers: Readonly<Record<string, number>>, count: number): string {
  let order = '';
  for (let given = 0; given < count; given += 1) {
    const [next] = Object.keys(takers).sort((a, b) => fair.tag(a) - fair.tag(b));
    fair.take(next!, takers[next!]!);
    order += next;
  }
  return order;
}

for (const [what, takers, order] of [
  ['alternate between equals', { a: 1, b: 1 }, 'abababab'],
  ['follow the weights', { a: 2, b: 1 }, 'abaabaab'],
  ['go round among several', { a: 1, b: 1, c: 1 }, 'abcabcabc'],
] as const) {
  turns(what, () => assert.is(give(new FairTurns(), takers, order.length), order));
}

turns('make who comes late wait for nobody who was served before', () => {
  const fair = new FairTurns();
  give(fair, { a: 1 }, 20);
  assert.is(give(fair, { a: 1, b: 1 }, 6), 'bababa');
});

turns('do not save up for who wanted nothing', () => {
  const fair = new FairTurns();
  give(fair, { a: 1, b: 1 }, 2);
  give(fair, { a: 1 }, 20);
  assert.match(give(fair, { a: 1, b: 1 }, 8), /^(ba|ab){4}$/);
});

turns.run();

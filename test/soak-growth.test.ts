import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { growthMib, type Held } from './bench/soak-growth.ts';

const growth = suite('what a soak says of the memory of its host');

const MIB = 2 ** 20;

/** Samples at 1,000 calls each. */
const samples = (rssMib: readonly number[]): Held[] =>
  rssMib.map((rss, at) => ({ calls: (at + 1) * 1000, rss: rss * MIB, heap: 7 * MIB }));

for (const [what, rssMib, grown] of [
  ['what is as it was has not grown', [50, 50, 50, 50, 50, 50, 50, 50], 0],
  ['what the first half takes does not count', [10, 30, 40, 50, 50, 50, 50, 50], 0],
  ['what grows with the calls does', [50, 51, 52, 53, 54, 55, 56, 57], 4],
  ['one that comes back down has not grown', [50, 50, 50, 50, 50, 52, 52, 50], 0],
  ['nor has one whose allocator keeps what is free for a while', [57, 50, 57, 57, 57, 50, 50, 57], 0],
  ['what grows is seen below that', [50, 58, 52, 53, 54, 61, 56, 64], 4],
  ['of five samples nothing can be said', [50, 50, 50, 50, 50], null],
  ['nor of none', [], null],
] as const) {
  growth(what, () => {
    const mib = growthMib(samples(rssMib), 'rss');
    if (grown === null) assert.is(mib, null);
    else assert.ok(Math.abs(mib! - grown) < 0.01, `expected ${grown}, got ${mib}`);
    if (mib !== null) assert.is(growthMib(samples(rssMib), 'heap'), 0);
  });
}

growth.run();

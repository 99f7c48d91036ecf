import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecentDemand } from '../../../../runtime/sandbox/pool/recent-demand.ts';

const demand = suite('recent demand');

for (const [what, noted, at, count] of [
  ['counts what is recent', [0, 10, 20], 30, 3],
  ['keeps the half window before', [40, 60], 99, 2],
  ['forgets what is older', [40, 60], 130, 1],
  ['forgets everything after a silence', [40, 60], 1000, 0],
] as const) {
  demand(what, () => {
    const recent = new RecentDemand(100);
    for (const now of noted) recent.note(now);
    assert.is(recent.count(at), count);
  });
}

demand.run();

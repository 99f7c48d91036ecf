import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { traceSampler } from '../../../host/tracing/sampler.ts';
import { SAMPLERS } from '../../../host/tracing/tracing-config.ts';
import { SeededRandom } from '../../support/random.ts';
import { parent } from '../invoked-event.ts';

const sampler = suite('samplers');

const unsampled = { ...parent, sampled: false };

for (const [name, root, ofSampled, ofUnsampled] of [
  ['always_on', true, true, true],
  ['always_off', false, false, false],
  ['parentbased_always_on', true, true, false],
  ['parentbased_always_off', false, true, false],
] as const) {
  sampler(`${name} keeps what it says`, () => {
    const sample = traceSampler(name, 1);
    assert.equal(
      [null, parent, unsampled].map((one) => sample(parent.traceId, one)),
      [root, ofSampled, ofUnsampled],
    );
  });
}

sampler('a ratio keeps its part of the traces, the same everywhere', () => {
  const ids = traceIds(4000);
  for (const ratio of [0, 0.1, 0.5, 1]) {
    const [own, parentBased] = [traceSampler('traceidratio', ratio), traceSampler('parentbased_traceidratio', ratio)];
    const kept = ids.filter((id) => own(id, null));
    assert.ok(Math.abs(kept.length - ratio * 4000) <= 150, `${kept.length} of 4000 at ${ratio}`);
    assert.equal(
      ids.filter((id) => own(id, unsampled)),
      kept,
      'asks no parent',
    );
    assert.equal(
      ids.filter((id) => parentBased(id, null)),
      kept,
    );
    assert.is(parentBased(ids[0]!, parent), true);
    assert.is(parentBased(ids[0]!, unsampled), false);
  }
});

sampler('what a small part keeps, a larger one keeps too', () => {
  const [small, large] = [traceSampler('traceidratio', 0.1), traceSampler('traceidratio', 0.2)];
  assert.ok(traceIds(1000).every((id) => !small(id, null) || large(id, null)));
  assert.is(SAMPLERS.length, 6);
});

/** Ids of traces from a seed: the same in every run. */
function traceIds(count: number): string[] {
  const random = new SeededRandom(4);
  return Array.from({ length: count }, () => Buffer.from(random.bytes(16)).toString('hex'));
}

sampler.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { atRest } from '../../../runtime/sandbox-source/at-rest.ts';

const MS = 1e6;

/** A machine that has needed this much of processors at each look; then no more. */
function machine(needs: readonly (number | null)[]) {
  let looks = 0;
  return {
    processorNeedNs: () => needs[Math.min(looks++, needs.length - 1)]!,
    looks: () => looks,
  };
}

const rest = suite('a machine at rest');

for (const [what, needs, looks] of [
  ['is one that needed no processor for a while', [7 * MS, 7 * MS], 2],
  ['is waited for while it needs one', [0, 20 * MS, 22 * MS, 22 * MS], 4],
  ['may have lost threads, and what they needed', [30 * MS, 10 * MS], 2],
  ['is not waited for where its need cannot be known', [null], 1],
  ['is not waited for when it has ended', [5 * MS, null], 2],
] as const) {
  rest(what, async () => {
    const one = machine(needs);
    await atRest(one, new AbortController().signal);
    assert.is(one.looks(), looks);
  });
}

rest('is no longer waited for when the caller gives it up', async () => {
  let need = 0;
  const busy = { processorNeedNs: () => (need += 50 * MS) };
  const thrown = await atRest(busy, AbortSignal.timeout(20)).catch((error: Error) => error.name);
  assert.is(thrown, 'AbortError');
});

rest.run();

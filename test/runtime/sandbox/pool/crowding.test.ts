import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Crowding } from '../../../../runtime/sandbox/pool/crowding.ts';
import type { LaneSandbox } from '../../../../runtime/sandbox/pool/lane-sandbox.ts';
import { fairWidth, type WidthSample } from '../../../../runtime/sandbox/pool/lane-width.ts';

const crowding = suite('what waits within sandboxes');

/** One with a processor, that runs and sends ahead so many. */
const holding = (taken: number, state = 'ready') =>
  ({ isMeasured: true, taken, sandbox: { processors: 1, placesAhead: 8, state } }) as unknown as LaneSandbox;

const FAIR = fairWidth(1);
/** Short invocations that take all of its processor, while half of another is idle. */
const FULL: WidthSample = {
  ...{ width: 8, most: 8, processors: 1, need: 1, idle: 0.6 },
  ...{ ended: 100, running: 1, runMs: 0.5 },
};

crowding('is seen where more are in one than it would have beside another', () => {
  const held = [holding(FAIR)];
  const found = new Crowding(() => held);
  assert.not(found.isCrowded);
  held[0] = holding(FAIR + 1);
  assert.ok(found.isCrowded);
  assert.ok(found.isCounting);
});

crowding('wants another after a hundred full windows, less those that were not', () => {
  const found = new Crowding(() => [holding(FAIR + 1)]);
  for (let window = 0; window < 99; window += 1) found.note(FULL, true);
  found.note({ ...FULL, idle: 0.4 }, true);
  found.note(FULL, false);
  found.note(null, true);
  for (let window = 0; window < 3; window += 1) found.note(FULL, true);
  assert.not(found.wantsAnother);
  found.note(FULL, true);
  assert.ok(found.wantsAnother);
});

crowding('is over when there is nothing left to count', () => {
  const held = [holding(FAIR + 1)];
  const found = new Crowding(() => held);
  for (let window = 0; window < 3; window += 1) found.note(FULL, true);
  held[0] = holding(1);
  for (let window = 0; window < 3; window += 1) {
    assert.ok(found.isCounting);
    found.note(FULL, false);
  }
  assert.not(found.isCounting);
});

crowding('shares out once another has come that was wanted, while both serve', () => {
  const held = [holding(FAIR + 1)];
  const found = new Crowding(() => held);
  held.push(holding(0));
  found.joined();
  assert.not(found.isShared);
  held.pop();
  for (let window = 0; window < 100; window += 1) found.note(FULL, true);
  held.push(holding(0));
  found.joined();
  assert.ok(found.isShared);
  assert.not(found.wantsAnother);
  held[1] = holding(0, 'paused');
  assert.not(found.isShared);
});

crowding('takes one that serves already for the other, once it wants that', () => {
  const held = [holding(FAIR + 1), holding(0)];
  const found = new Crowding(() => held);
  for (let window = 0; window < 99; window += 1) found.note(FULL, true);
  assert.not(found.isShared);
  found.note(FULL, true);
  assert.ok(found.isShared);
});

crowding.run();

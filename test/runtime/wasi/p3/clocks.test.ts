import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS } from '../../../../runtime/wasi/index.ts';
import { clockInterfaces3 } from '../../../../runtime/wasi/p3/clocks.ts';
import { ManualClock } from '../backend.ts';
import { seatWith, settle } from './guest-parts.ts';

const clocks = suite('wasi:clocks 0.3');

clocks('tells the time', () => {
  const clock = new ManualClock();
  clock.ns = 1_500_000_000n;
  const interfaces = clockInterfaces3(seatWith({ clock }));
  assert.is(interfaces['wasi:clocks/monotonic-clock@0.3'].now(), 1_500_000_000n);
  assert.is(interfaces['wasi:clocks/monotonic-clock@0.3'].getResolution(), 1000n);
  assert.equal(interfaces['wasi:clocks/system-clock@0.3'].now(), { seconds: 1n, nanoseconds: 500_000_000 });
  assert.is(interfaces['wasi:clocks/system-clock@0.3'].getResolution(), 1_000_000n);
});

clocks('waits for a while, and until a mark', async () => {
  const clock = new ManualClock();
  const seat = seatWith({ clock });
  const { waitFor, waitUntil } = clockInterfaces3(seat)['wasi:clocks/monotonic-clock@0.3'];
  const over: string[] = [];
  const waits = [waitFor(10n).then(() => over.push('for')), waitUntil(20n).then(() => over.push('until'))];
  await settle();
  assert.is(clock.armed, 2);
  assert.is(seat.context.handles, 2);
  clock.advance(10n);
  await settle();
  assert.equal(over, ['for']);
  clock.advance(10n);
  await Promise.all(waits);
  assert.equal(over, ['for', 'until']);
  assert.is(seat.context.handles, 0);
});

clocks('does not wait for what has been, and holds a wait without end', async () => {
  const clock = new ManualClock();
  clock.ns = 100n;
  const { waitFor, waitUntil } = clockInterfaces3(seatWith({ clock }))['wasi:clocks/monotonic-clock@0.3'];
  await waitUntil(99n);
  await waitFor(0n);
  assert.is(clock.armed, 0);
  void waitFor(2n ** 64n - 1n).catch(() => {});
  await settle();
  assert.is(clock.armed, 1);
});

clocks('traps a guest that waits for too many things, and ends waits with the instance', async () => {
  const clock = new ManualClock();
  const seat = seatWith({ clock, limits: { ...DEFAULT_LIMITS, handles: 2 } });
  const { waitFor } = clockInterfaces3(seat)['wasi:clocks/monotonic-clock@0.3'];
  const waits = [waitFor(10n), waitFor(10n)];
  const reasons: string[] = [];
  await waitFor(10n).catch((error: Error) => reasons.push(error.message));
  for (const wait of waits) wait.catch((error: Error) => reasons.push(error.message));
  seat.context.close();
  await settle();
  assert.match(reasons[0]!, /holds 2 resources/);
  assert.is(reasons.filter((reason) => /closed while the guest waited/.test(reason)).length, 2);
});

clocks.run();

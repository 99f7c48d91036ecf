import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { watchdog } from '../../../runtime/machine/watchdog.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const watched = suite('a watchdog');

/** One of 100 ms over a process that is held up for a share of the time. */
function lab(heldUpMs: (nowMs: number) => number | null) {
  const clock = new FakeClock();
  const state = { lateAt: null as number | null };
  const late = (): void => {
    state.lateAt = clock.now();
  };
  const queuedNs = (): number | null => {
    const ms = heldUpMs(clock.now());
    return ms === null ? null : ms * 1e6;
  };
  return { clock, callOff: watchdog(100, late, queuedNs, clock), state };
}

for (const [what, heldUpMs, expected] of [
  ['that nothing holds up is late when its time is over', () => 0, 100],
  ['of which it is not known is, too', () => null, 100],
  ['that was held up before is, too', () => 5000, 100],
  // Half of 200 ms, two thirds of 300 ms.
  ['that is held up half of the time has twice as long', (now: number) => now / 2, 200],
  ['that is held up two thirds of the time has three times as long', (now: number) => (now * 2) / 3, 300],
  ['that never comes to run is late all the same', (now: number) => now, 400],
  ['whose threads end, so that less is known, is late at once', (now: number) => 70 - now, 100],
] as const) {
  watched(`over a process ${what}`, () => {
    const { clock, state } = lab(heldUpMs);
    clock.advance(expected - 5);
    assert.is(state.lateAt, null);
    clock.advance(5);
    assert.ok(state.lateAt! > expected - 5, `${state.lateAt} ms`);
  });
}

for (const [when, ms] of [
  ['before its time is over', 50],
  ['while it waits on', 150],
] as const) {
  watched(`that is called off ${when} says nothing`, () => {
    const { clock, callOff, state } = lab((now) => now / 2);
    clock.advance(ms);
    callOff();
    clock.advance(5000);
    assert.is(state.lateAt, null);
  });
}

watched('reads what has come before it says that nothing came', () => {
  const { clock, callOff, state } = lab(() => 0);
  // What comes at its last moment is read in the turn between its time and its word.
  clock.after(100, callOff);
  clock.advance(1000);
  assert.is(state.lateAt, null);
});

watched('over a process that says nothing tells so by the real time', async () => {
  await new Promise<void>((resolve) => void watchdog(5, resolve, () => null));
});

watched.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createWasi, GuestTrap } from '../../../../runtime/wasi/index.ts';
import type { Pollable } from '../../../../runtime/wasi/io/pollable.ts';
import { backend, ManualClock, thrown } from '../backend.ts';

const poll = suite('poll');

type Poll = (pollables: readonly Pollable[]) => Uint32Array | Promise<Uint32Array>;
interface Clock {
  now(): bigint;
  subscribeDuration(ns: bigint): Pollable;
  subscribeInstant(ns: bigint): Pollable;
}

function open() {
  const clock = new ManualClock();
  const wasi = createWasi(backend({ clock }));
  return {
    clock,
    wasi,
    poll: wasi.imports['wasi:io/poll']!['poll'] as Poll,
    timers: wasi.imports['wasi:clocks/monotonic-clock'] as unknown as Clock,
  };
}

poll('an empty list traps', () => {
  assert.instance(
    thrown(() => open().poll([])),
    GuestTrap,
  );
});

poll('a list longer than the limit traps', () => {
  const { poll, timers } = open();
  const pollable = timers.subscribeDuration(0n);
  assert.instance(
    thrown(() => poll(Array.from({ length: 1025 }, () => pollable))),
    GuestTrap,
  );
});

poll('gives what is ready at once, in order, without a promise', () => {
  const { poll, timers } = open();
  const [now, later, past] = [timers.subscribeDuration(0n), timers.subscribeDuration(9n), timers.subscribeInstant(0n)];
  assert.equal(poll([now, later, past, now]), new Uint32Array([0, 2, 3]));
});

poll('waits for the first of two timers and leaves none armed', async () => {
  const { clock, poll, timers } = open();
  const ready = poll([timers.subscribeDuration(2_000n), timers.subscribeDuration(1_000n)]);
  assert.instance(ready, Promise);
  clock.advance(999n);
  clock.advance(1n);
  assert.equal(await ready, new Uint32Array([1]));
  assert.is(clock.armed, 0);
});

poll('a clock that fires early only makes it look again', async () => {
  const { clock, poll, timers } = open();
  const early: typeof clock.timer = (ns, fire) => ManualClock.prototype.timer.call(clock, ns > 10n ? 10n : ns, fire);
  clock.timer = early;
  const ready = poll([timers.subscribeDuration(25n)]);
  for (let round = 0; round < 5; round++) {
    clock.advance(10n);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await ready, new Uint32Array([0]));
});

poll('a duration beyond the end of time is never ready and does not wrap', () => {
  const { clock, timers } = open();
  clock.ns = 5n;
  assert.not.ok(timers.subscribeDuration(2n ** 64n - 1n).ready());
});

poll('a guest that only polls what is ready gives the event loop its turn now and then', async () => {
  const { clock, poll, timers } = open();
  const ready = timers.subscribeDuration(0n);
  assert.not.instance(poll([ready]), Promise);
  clock.advance(11_000_000n);
  const polled = poll([ready]);
  assert.instance(polled, Promise);
  clock.advance(0n);
  assert.equal(await polled, new Uint32Array([0]));
  assert.not.instance(poll([ready]), Promise);
});

poll('block comes back when the thing is ready, and traps when the instance is closed', async () => {
  const { clock, wasi, timers } = open();
  const blocked = timers.subscribeDuration(5n).block();
  clock.advance(5n);
  await blocked;
  const left = Promise.resolve(timers.subscribeDuration(5n).block()).catch((error: unknown) => error);
  wasi.close();
  wasi.close();
  assert.instance(await left, GuestTrap);
  assert.is(clock.armed, 0);
});

poll.run();

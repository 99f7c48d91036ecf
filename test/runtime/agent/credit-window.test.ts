import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReceiveWindow, SendWindow, WireError } from '../../../runtime/agent/wire.ts';

const isWireError = (error: unknown) => error instanceof WireError;

const credit = suite('credit');

credit('lets a sender send what the window holds and no byte more', () => {
  const window = new SendWindow(100);
  assert.is(window.take(60), 60);
  assert.is(window.take(60), 40);
  assert.is(window.take(60), 0);
  window.add(30);
  assert.is(window.take(60), 30);
});

credit('wakes a waiting sender when credit comes, and when nobody reads any more', async () => {
  const window = new SendWindow(10);
  await window.wait();
  window.take(10);
  const woken: string[] = [];
  const waiting = window.wait().then(() => woken.push('credit'));
  assert.equal(woken, []);
  window.add(1);
  await waiting;
  window.take(1);
  const released = window.wait().then(() => woken.push('release'));
  window.release();
  await released;
  assert.equal(woken, ['credit', 'release']);
});

for (const bytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 41]) {
  credit(`refuses credit of ${bytes} for 40 bytes in flight`, () => {
    const window = new SendWindow(100);
    window.take(40);
    assert.throws(() => window.add(bytes), isWireError);
  });
}

credit('reports consumed bytes once they are a quarter of the window', () => {
  const window = new ReceiveWindow(100);
  window.receive(80);
  assert.is(window.consume(10), 0);
  assert.is(window.consume(14), 0);
  assert.is(window.consume(1), 25);
  assert.is(window.consume(24), 0);
  assert.is(window.consume(30), 54);
});

credit('refuses bytes beyond the window, also those that are consumed but not yet reported', () => {
  const window = new ReceiveWindow(100);
  window.receive(100);
  assert.is(window.consume(20), 0);
  assert.throws(() => window.receive(1), isWireError);
});

credit('of a receiver always suffices for a sender to go on', () => {
  const send = new SendWindow(64);
  const receive = new ReceiveWindow(64);
  for (let sent = 0; sent < 1000; ) {
    const size = send.take(7);
    assert.ok(size > 0);
    receive.receive(size);
    sent += size;
    const back = receive.consume(size);
    if (back > 0) send.add(back);
  }
});

credit.run();

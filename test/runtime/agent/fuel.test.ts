import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge, GuestInterrupted } from '../../../runtime/agent/fuel.ts';
import { INTERRUPTS } from '../../../runtime/agent/worker-message.ts';

const cellOf = () => new Int32Array(new SharedArrayBuffer(4));
const interrupted = (error: unknown) => error instanceof GuestInterrupted;

const fuel = suite('fuel');

fuel('is given while nothing interrupts', () => {
  const gauge = new FuelGauge(cellOf(), 60_000);
  assert.ok(gauge.checkpoint() > 0n);
  assert.is(gauge.why, null);
});

for (const [at, why] of INTERRUPTS.entries()) {
  fuel(`is refused for ever once the cell says ${why}`, () => {
    const cell = cellOf();
    const gauge = new FuelGauge(cell, 60_000);
    Atomics.store(cell, 0, at + 1);
    assert.throws(gauge.checkpoint, interrupted);
    assert.is(gauge.why, why);
    // The cell is used for the next invocation, of which this guest must see nothing.
    Atomics.store(cell, 0, 0);
    assert.throws(gauge.checkpoint, interrupted);
  });
}

fuel('is refused after the deadline although nobody said so', () => {
  const gauge = new FuelGauge(cellOf(), -1);
  assert.throws(gauge.checkpoint, interrupted);
  assert.is(gauge.why, 'deadline-exceeded');
});

fuel('is refused to what is left of an invocation that has ended', () => {
  const gauge = new FuelGauge(cellOf(), 60_000);
  gauge.end();
  assert.throws(gauge.checkpoint, interrupted);
  assert.is(gauge.why, null);
});

fuel.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge, GuestInterrupted } from '../../../runtime/agent/fuel.ts';
import { InterruptCell } from '../../../runtime/agent/interrupt-cell.ts';
import { INTERRUPTS } from '../../../runtime/agent/wire.ts';

const ID = 7;
const interrupted = (error: unknown) => error instanceof GuestInterrupted;

const fuel = suite('fuel');

fuel('is given while nothing interrupts', () => {
  const gauge = new FuelGauge(new InterruptCell(), ID, 60_000);
  assert.ok(gauge.checkpoint() > 0n);
  assert.is(gauge.why, null);
});

for (const why of INTERRUPTS) {
  fuel(`is refused for ever once the cell says ${why}`, () => {
    const cell = new InterruptCell();
    const gauge = new FuelGauge(cell, ID, 60_000);
    cell.interrupt(ID, why);
    assert.throws(gauge.checkpoint, interrupted);
    assert.is(gauge.why, why);
    // The cell is used for the next invocation, of which this guest must see nothing.
    cell.interrupt(ID + 1, why);
    assert.throws(gauge.checkpoint, interrupted);
  });
}

fuel('is refused after the deadline although nobody said so', () => {
  const gauge = new FuelGauge(new InterruptCell(), ID, -1);
  assert.throws(gauge.checkpoint, interrupted);
  assert.is(gauge.why, 'deadline-exceeded');
});

fuel('is refused when the processor time that it is told of is used up', () => {
  let [usedMs, passed] = [7, 0];
  const gauge = new FuelGauge(
    new InterruptCell(),
    ID,
    60_000,
    () => {
      passed += 1;
    },
    0,
    () => usedMs,
  );
  gauge.checkpoint();
  assert.is(passed, 1, 'counting begins at the first look');
  usedMs += 1;
  // It is not looked at more than once in a millisecond.
  assert.throws(() => {
    while (performance.now() > 0) gauge.checkpoint();
  }, interrupted);
  assert.is(gauge.why, 'cpu-exceeded');
});

fuel('is refused to what is left of an invocation that has ended', () => {
  const gauge = new FuelGauge(new InterruptCell(), ID, 60_000);
  gauge.end();
  assert.throws(gauge.checkpoint, interrupted);
  assert.is(gauge.why, null);
});

fuel('is given to an invocation when another is interrupted, before or after', () => {
  const cell = new InterruptCell();
  cell.interrupt(ID - 1, 'client-closed');
  const gauge = new FuelGauge(cell, ID, 60_000);
  gauge.checkpoint();
  cell.interrupt(ID + 1, 'client-closed');
  gauge.checkpoint();
});

fuel("is refused to what is nobody's invocation when one that waits is interrupted", () => {
  const cell = new InterruptCell();
  cell.interrupt(ID, 'client-closed');
  const gauge = new FuelGauge(cell, null, 60_000);
  gauge.checkpoint();
  cell.interrupt(ID + 1, 'client-closed');
  assert.throws(gauge.checkpoint, interrupted);
});

fuel('knows an id of 32 bits', () => {
  const cell = new InterruptCell();
  const gauge = new FuelGauge(cell, 0xffff_fffe, 60_000);
  cell.interrupt(0xffff_fffe, 'client-closed');
  assert.throws(gauge.checkpoint, interrupted);
});

fuel.run();

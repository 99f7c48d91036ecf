import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FUEL, FuelGauge } from '../../../../runtime/agent/fuel.ts';
import { InterruptCell } from '../../../../runtime/agent/interrupt-cell.ts';
import { SharedCpuTime } from '../../../../runtime/agent/reuse/shared-cpu-time.ts';
import { SharedFuel } from '../../../../runtime/agent/reuse/shared-fuel.ts';

const fuel = suite('fuel of an instance with several invocations');

const started = (cell: InterruptCell, id: number, remainingMs = 60_000) => new FuelGauge(cell, id, remainingMs);
let now = 0;
const open = (): SharedFuel => new SharedFuel(new SharedCpuTime(() => 0), () => now);
/** Lets more time pass than an instance gets to end what is over. */
const pass = (): void => {
  now += 60;
};

fuel('is given while all may go on', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  shared.join(started(cell, 1));
  shared.join(started(cell, 2));
  assert.is(shared.checkpoint(), FUEL);
  assert.is(shared.over, false);
});

fuel('ends with the only invocation', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  shared.join(started(cell, 1));
  cell.interrupt(1, 'client-closed');
  assert.throws(shared.checkpoint, 'the instance has ended');
  assert.is(shared.over, true);
});

fuel('ends when every invocation is over, and never comes back', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  shared.join(started(cell, 1, -1));
  shared.join(started(cell, 2, -1));
  assert.throws(shared.checkpoint, 'the instance has ended');
  shared.join(started(cell, 3));
  assert.throws(shared.checkpoint, 'the instance has ended');
});

fuel('is given to a neighbour of an invocation that is over, until the event loop should have had its turn', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  const [late, neighbour] = [started(cell, 1, -1), started(cell, 2)];
  shared.join(late);
  shared.join(neighbour);
  assert.is(shared.checkpoint(), FUEL);
  pass();
  assert.throws(shared.checkpoint, 'the instance has ended');
});

fuel('goes on for a neighbour when the one that is over has left', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  const late = started(cell, 1, -1);
  shared.join(late);
  shared.join(started(cell, 2));
  assert.is(shared.checkpoint(), FUEL);
  shared.leave(late);
  pass();
  assert.is(shared.checkpoint(), FUEL);
  assert.is(shared.checkpoint(), FUEL);
});

fuel('is given for a while to an instance that serves nobody and tidies up', () => {
  const [shared, cell] = [open(), new InterruptCell()];
  const gauge = started(cell, 1);
  shared.join(gauge);
  shared.leave(gauge);
  assert.is(shared.checkpoint(), FUEL);
  pass();
  assert.throws(shared.checkpoint, 'the instance has ended');
});

fuel('ends with its instance', () => {
  const shared = open();
  shared.join(started(new InterruptCell(), 1));
  shared.end();
  assert.throws(shared.checkpoint, 'the instance has ended');
});

fuel('shares the time of its worker among those that it serves', () => {
  let usedMs = 1000;
  const time = new SharedCpuTime(
    () => usedMs,
    () => usedMs,
  );
  const [one, other] = [new SharedFuel(time), new SharedFuel(time)];
  const gauges = [1, 2, 3, 4].map((id) => started(new InterruptCell(), id));
  for (const [at, gauge] of gauges.entries()) (at < 3 ? one : other).join(gauge);
  usedMs += 100;
  assert.is(time.shareMs(), 25, 'four run, in two instances');
  for (const gauge of gauges.slice(0, 3)) one.leave(gauge);
  one.leave(gauges[0]!);
  usedMs += 100;
  assert.is(time.shareMs(), 125, 'one is left');
});

fuel.run();

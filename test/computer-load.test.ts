import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ComputerLoad, processorTicks } from './support/computer-load.ts';

const loads = suite('how loaded the computer was');

loads('is read of what the kernel counts', () => {
  const read = processorTicks('cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n');
  assert.equal(read, { total: 621, idle: 450, stolen: 8 });
});

loads('counts from when it began, and keeps the most that was seen', () => {
  const ticks = [
    { total: 1000, idle: 500, stolen: 10 },
    { total: 2000, idle: 700, stolen: 60 },
  ];
  const waiting = [0.5, 12.25, 3];
  const load = new ComputerLoad(
    () => ticks.shift()!,
    () => waiting.shift()!,
  );
  assert.is(load.look(), 12.25);
  assert.is(load.text(2), '2 processors, 80 % busy, 5 % stolen; load 0.5 at first, 12.3 at most');
});

loads('of this computer can be said', () => {
  assert.match(
    new ComputerLoad().text(),
    /^\d+ processors, \d+ % busy, \d+ % stolen; load [\d.]+ at first, [\d.]+ at most$/,
  );
});

loads.run();

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InterruptCell } from '../../../runtime/agent/interrupt-cell.ts';

const cell = suite('the cell that a worker shares');

cell('tells the other side what is asked and what is over', () => {
  const ours = new InterruptCell();
  const theirs = new InterruptCell(ours.buffer);
  ours.interrupt(5, 'deadline-exceeded');
  assert.is(theirs.interruptedId, 5);
  assert.is(theirs.why, 'deadline-exceeded');
  theirs.finish(5);
  assert.is(ours.finishedId, 5);
});

for (const [finished, id, over] of [
  [0, 1, false],
  [1, 1, true],
  [2, 1, true],
  [1, 2, false],
  [0x7fff_ffff, 0x7fff_ffff, true],
  [0x7fff_fffe, 0x7fff_ffff, false],
  [0x4000_0000, 0x3fff_ffff, true],
  [0x3fff_ffff, 0x4000_0000, false],
  // Ids begin again.
  [0x7fff_ffff, 1, false],
  [1, 0x7fff_ffff, true],
] as const) {
  cell(`says that ${id} is ${over ? '' : 'not '}over when ${finished} was finished`, () => {
    const shared = new InterruptCell();
    shared.finish(finished);
    assert.is(shared.isOver(id), over);
  });
}

cell('forgets all when it is reset', () => {
  const shared = new InterruptCell();
  shared.finish(9);
  shared.interrupt(10, 'client-closed');
  shared.reset();
  assert.is(shared.finishedId, 0);
  assert.is(shared.interruptedId, 0);
  assert.not(shared.isOver(1));
});

cell('lets nothing begin while it is closed, and says what did before', async () => {
  const shared = new InterruptCell();
  shared.begin(1);
  assert.is(shared.begunId, 1);
  shared.close();
  const address = new URL('../../../runtime/agent/interrupt-cell.ts', import.meta.url).href;
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(address)}).then(({ InterruptCell }) => {
      parentPort.postMessage('begins');
      new InterruptCell(workerData).begin(2);
      parentPort.postMessage('begun');
    });`;
  const worker = new Worker(program, { eval: true, workerData: shared.buffer });
  const said: string[] = [];
  worker.on('message', (word: string) => said.push(word));
  await once(worker, 'message');
  // Noted first, and then it waits.
  while (shared.begunId !== 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(said, ['begins']);
  shared.open();
  await once(worker, 'message');
  assert.equal(said, ['begins', 'begun']);
  await worker.terminate();
});

cell.run();

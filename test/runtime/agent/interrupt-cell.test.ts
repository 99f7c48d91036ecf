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

cell('lets nothing begin that was taken back, and all that comes after that', () => {
  const shared = new InterruptCell();
  assert.ok(shared.begin(1));
  assert.is(shared.recall(4), 1);
  for (const id of [2, 3, 4]) assert.not(shared.begin(id), String(id));
  assert.ok(shared.begin(5));
  // It is past that: neither what comes late, nor ids that begin again, meet it.
  for (const id of [6, 0x7fff_ffff, 1, 2, 3, 4]) assert.ok(shared.begin(id), String(id));
});

cell('takes back more while a worker passes over what was taken back before', () => {
  const shared = new InterruptCell();
  shared.begin(5);
  assert.is(shared.recall(9), 5);
  assert.not(shared.begin(7));
  // 7 was looked at, and did not begin.
  assert.is(shared.recall(12), 5);
  for (const id of [8, 9, 10, 12]) assert.not(shared.begin(id), String(id));
  assert.ok(shared.begin(13));
  assert.is(shared.recall(14), 13);
  assert.not(shared.begin(14));
});

cell('takes back over the end of the ids', () => {
  const shared = new InterruptCell();
  shared.begin(0x7fff_fffe);
  assert.is(shared.recall(2), 0x7fff_fffe);
  for (const id of [0x7fff_ffff, 1, 2]) assert.not(shared.begin(id), String(id));
  assert.ok(shared.begin(3));
});

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
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(said, ['begins']);
  shared.open();
  await once(worker, 'message');
  assert.equal(said, ['begins', 'begun']);
  await worker.terminate();
});

cell('has who is about to tell an end wait while it is closed, but says that end', async () => {
  const shared = new InterruptCell();
  shared.close();
  const address = new URL('../../../runtime/agent/interrupt-cell.ts', import.meta.url).href;
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(address)}).then(({ InterruptCell }) => {
      const cell = new InterruptCell(workerData);
      cell.finish(2);
      cell.pass(() => parentPort.postMessage('waits'));
      parentPort.postMessage('told');
    });`;
  const worker = new Worker(program, { eval: true, workerData: shared.buffer });
  const said: string[] = [];
  worker.on('message', (word: string) => said.push(word));
  await once(worker, 'message');
  assert.is(shared.finishedId, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(said, ['waits']);
  shared.open();
  await once(worker, 'message');
  assert.equal(said, ['waits', 'told']);
  await worker.terminate();
});

cell.run();

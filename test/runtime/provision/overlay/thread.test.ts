import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endThread, startThread } from '../../../../runtime/provision/overlay/thread.ts';

const threads = suite('threads of overlays');

const SOURCE = new URL('../../../../runtime/provision/overlay/thread.ts', import.meta.url);

/** Never done: counts what it begins, and what it came to the end of. */
const BUSY = `
  import { parentPort } from 'node:worker_threads';
  import { given, onWord } from ${JSON.stringify(SOURCE.href)};
  const counts = new Int32Array(given());
  const step = () => {
    Atomics.add(counts, 0, 1);
    for (const end = performance.now() + 2; performance.now() < end; );
    Atomics.add(counts, 1, 1);
    setImmediate(step);
  };
  onWord(() => undefined);
  parentPort.postMessage('up');
  step();
`;

/** Is at its first word until a number is not 0, by blocking or by waiting; counts those that it begins. It has heard of all 20 before it waits. */
const HEARING = `
  import { parentPort } from 'node:worker_threads';
  import { given, onWord } from ${JSON.stringify(SOURCE.href)};
  const { shared, blocks } = given();
  const counts = new Int32Array(shared);
  const heard = Promise.withResolvers();
  const hold = () => {
    parentPort.postMessage('up');
    Atomics.wait(counts, 1, 0);
  };
  onWord(async () => {
    Atomics.add(counts, 0, 1);
    if (blocks) hold();
    else await heard.promise;
  });
  let words = 0;
  if (!blocks)
    parentPort.on('message', () => {
      words += 1;
      if (words < 20) return;
      hold();
      heard.resolve();
    });
`;

for (const [what, blocks] of [
  ['keeps its thread', true],
  ['waits for something', false],
] as const)
  threads(`do not handle words that lie behind one that ${what} when they are ended`, async () => {
    const shared = new SharedArrayBuffer(8);
    const counts = new Int32Array(shared);
    const entry = new URL(`data:text/javascript,${encodeURIComponent(HEARING)}`);
    const thread = startThread(entry, { shared, blocks });
    const up = new Promise((resolve) => thread.once('message', resolve));
    for (let word = 0; word < 20; word += 1) thread.postMessage(word);
    await up;
    const ended = endThread(thread);
    Atomics.store(counts, 1, 1);
    Atomics.notify(counts, 1);
    await ended;
    assert.is(counts[0], 1);
    assert.is(thread.threadId, -1);
  });

threads('end between two steps, never within one', async () => {
  const entry = new URL(`data:text/javascript,${encodeURIComponent(BUSY)}`);
  for (let turn = 0; turn < 8; turn += 1) {
    const shared = new SharedArrayBuffer(8);
    const thread = startThread(entry, shared);
    await new Promise((resolve) => thread.once('message', resolve));
    await Promise.all([endThread(thread), endThread(thread)]);
    await endThread(thread);
    const [begun, done] = new Int32Array(shared);
    assert.is(done, begun);
    assert.is(thread.threadId, -1);
  }
});

threads.run();

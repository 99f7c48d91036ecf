import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endThread, startThread } from '../../../../runtime/provision/overlay/thread.ts';

const threads = suite('threads of overlays');

const SOURCE = new URL('../../../../runtime/provision/overlay/thread.ts', import.meta.url);

/** Never done: counts what it begins, and what it came to the end of. */
const BUSY = `
  import { workerData, parentPort } from 'node:worker_threads';
  import { onWord } from ${JSON.stringify(SOURCE.href)};
  const counts = new Int32Array(workerData);
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

threads('end between two steps, never within one', async () => {
  const entry = new URL(`data:text/javascript,${encodeURIComponent(BUSY)}`);
  for (let turn = 0; turn < 8; turn += 1) {
    const shared = new SharedArrayBuffer(8);
    const thread = startThread(entry, { workerData: shared });
    await new Promise((resolve) => thread.once('message', resolve));
    await Promise.all([endThread(thread), endThread(thread)]);
    await endThread(thread);
    const [begun, done] = new Int32Array(shared);
    assert.is(done, begun);
    assert.is(thread.threadId, -1);
  }
});

threads.run();

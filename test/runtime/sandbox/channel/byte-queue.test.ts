import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteQueue } from '../../../../runtime/sandbox/channel/byte-queue.ts';

function open() {
  const seen = { taken: 0, left: 0 };
  const queue = new ByteQueue({
    taken: (bytes) => {
      seen.taken += bytes;
    },
    left: () => {
      seen.left += 1;
    },
  });
  return { queue, seen, reader: queue[Symbol.asyncIterator]() };
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

const byteQueue = suite('a byte queue');

byteQueue('gives what was written, in order, and then its end', async () => {
  const { queue, seen } = open();
  queue.push(bytes('ab'));
  queue.push(bytes('c'));
  queue.end();
  queue.push(bytes('after the end'));
  let text = '';
  for await (const part of queue) text += Buffer.from(part).toString();
  assert.is(text, 'abc');
  assert.equal(seen, { taken: 3, left: 0 });
});

for (const parts of [[], ['abc'], ['ab', 'c']])
  byteQueue(`gives ${parts.length} parts at once when they have ended well`, async () => {
    const { queue, seen, reader } = open();
    for (const part of parts) queue.push(bytes(part));
    assert.is(queue.whole(), null);
    queue.end();
    assert.is(Buffer.from(queue.whole()!).toString(), parts.join(''));
    assert.equal(seen, { taken: parts.join('').length, left: 0 });
    assert.is((await reader.next()).done, true);
  });

byteQueue('gives nothing at once when it failed', async () => {
  const { queue, reader } = open();
  queue.push(bytes('ab'));
  queue.fail(new Error('lost'));
  assert.is(queue.whole(), null);
  assert.is((await reader.next()).value?.length, 2);
});

byteQueue('counts bytes as taken when the reader takes them', async () => {
  const { queue, seen, reader } = open();
  queue.push(bytes('ab'));
  assert.is(seen.taken, 0);
  await reader.next();
  assert.is(seen.taken, 2);
});

byteQueue('wakes a reader that waits, for bytes and for the end', async () => {
  const { queue, reader } = open();
  const first = reader.next();
  queue.push(bytes('x'));
  assert.is((await first).done, false);
  const second = reader.next();
  queue.end();
  assert.is((await second).done, true);
});

byteQueue('gives an error after the bytes that came before it', async () => {
  const { queue, reader } = open();
  queue.push(bytes('x'));
  queue.fail(new Error('half-way'));
  assert.is((await reader.next()).done, false);
  try {
    await reader.next();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'half-way');
  }
});

byteQueue('tells its owner once that the reader left, and takes nothing more', async () => {
  const { queue, seen, reader } = open();
  queue.push(bytes('x'));
  await reader.return?.();
  queue.push(bytes('y'));
  await reader.return?.();
  assert.is((await reader.next()).done, true);
  assert.equal(seen, { taken: 0, left: 1 });
});

byteQueue('does not count a reader as having left that read to the end', async () => {
  const { queue, seen, reader } = open();
  queue.push(bytes('x'));
  queue.end();
  await reader.next();
  await reader.next();
  await reader.return?.();
  assert.is(seen.left, 0);
});

byteQueue.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameRoom } from '../../../runtime/agent/frame-room.ts';
import { putHead } from '../../../runtime/agent/invocation-message.ts';
import { encodeFrame, encodeHead, FrameReader } from '../../../runtime/agent/wire.ts';

const HEAD = { status: 404, headers: [['ä-name', Buffer.alloc(300, 7)] as const] };
const body = (bytes: number) => Buffer.alloc(bytes, bytes);

const room = suite('where frames come together');

room('holds frames in the order in which they came, byte for byte as each alone, few and many', () => {
  const frames = new FrameRoom();
  for (const sizes of [[0, 10], [70_000, 3, 500_000], [1]]) {
    assert.ok(frames.isEmpty);
    const expected: Uint8Array[] = [];
    for (const [at, size] of sizes.entries()) {
      frames.put('body', at, body(size));
      frames.add(encodeFrame('end', at, body(1)));
      putHead(frames.of('head', at), HEAD);
      expected.push(encodeFrame('body', at, body(size)), encodeFrame('end', at, body(1)));
      expected.push(encodeFrame('head', at, encodeHead(HEAD)));
    }
    const all = Buffer.from(frames.take());
    assert.ok(all.equals(Buffer.concat(expected)));
    assert.is(new FrameReader().push(all).length, 3 * sizes.length);
  }
  assert.is(frames.take().length, 0);
});

room('refuses a frame that is too long for the wire', () => {
  const frames = new FrameRoom();
  assert.throws(() => frames.put('body', 1, body(2 ** 20 + 1)), /expected a payload of at most/);
  assert.ok(frames.isEmpty);
});

room.run();

import * as assert from 'uvu/assert';
import { readContent, resizeContent, writeContent } from '../../runtime/wasi/filesystem/content.ts';
import type { FileNode } from '../../runtime/wasi/filesystem/node.ts';
import { Quota } from '../../runtime/wasi/filesystem/quota.ts';
import type { SeededRandom } from '../support/random.ts';

const LIMIT = 4096;
const NEVER = { seconds: 0n, nanoseconds: 0 };

/** A file that is written, cut and extended at random holds what a plain array holds, within its quota. */
export default function fileContent(random: SeededRandom): void {
  const traits = { id: 1n, packaged: false, accessed: NEVER, modified: NEVER, changed: NEVER };
  const file: FileNode = {
    arrive: null,
    kind: 'file',
    ...traits,
    bytes: new Uint8Array(0),
    shared: false,
    size: 0,
    links: 1,
    users: 0,
  };
  const quota = new Quota(LIMIT);
  let model = new Uint8Array(0);
  for (let step = 0; step < 60; step++) {
    const offset = random.below(random.pick([1, 100, 5000]));
    const grows = random.below(2) === 0;
    const bytes = grows ? random.bytes(random.below(random.pick([4, 300, 3000]))) : new Uint8Array(0);
    const size = grows ? (bytes.length > 0 ? Math.max(model.length, offset + bytes.length) : model.length) : offset;
    let refused = false;
    try {
      if (grows) writeContent(file, BigInt(offset), bytes, quota);
      else resizeContent(file, BigInt(size), quota);
    } catch (code) {
      assert.is(code, 'insufficient-space');
      refused = true;
    }
    assert.is(refused, size > LIMIT);
    if (!refused) {
      const next = new Uint8Array(size);
      next.set(model.subarray(0, size));
      if (bytes.length > 0) next.set(bytes, offset);
      model = next;
    }
    assert.is(Buffer.compare(readContent(file, 0n, LIMIT * 2), model), 0);
    assert.equal([file.size, quota.used], [model.length, model.length]);
    assert.ok(file.bytes.length <= LIMIT * 2);
  }
}

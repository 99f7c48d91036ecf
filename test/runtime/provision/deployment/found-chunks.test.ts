import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chunkLengthsFor, chunksOf, digestOf } from '../../../../guest-sdk/protocol/index.ts';
import { FoundChunks } from '../../../../runtime/provision/deployment/found-chunks.ts';
import { bodyOf } from '../../../support/cloudlet-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const found = suite('chunks that are found as a blob comes');

async function come(chunks: FoundChunks, bytes: Uint8Array, said = bytes.length, pieceBytes = 10_000) {
  const coming = chunks.coming(said);
  const passed: Uint8Array[] = [];
  for await (const piece of coming.through(bodyOf(bytes, pieceBytes))) passed.push(piece);
  assert.is(Buffer.compare(Buffer.concat(passed), bytes), 0);
  const digest = await digestOf(bytes);
  coming.stored(digest);
  return digest;
}

for (const length of [0, 1, 700, 100_000, 4 * 1024 * 1024 + 1]) {
  found(`are those that a device cuts, of ${length} bytes`, async () => {
    const bytes = new SeededRandom(length + 1).bytes(length);
    const expected: unknown[] = [];
    let at = 0;
    for await (const chunk of chunksOf([bytes], chunkLengthsFor(length))) {
      expected.push({ digest: await digestOf(chunk), at, bytes: chunk.length });
      at += chunk.length;
    }
    const chunks = new FoundChunks();
    assert.equal(chunks.of(await come(chunks, bytes)), expected);
  });
}

found('are none of a blob that was not as long as was said: it would have been cut otherwise', async () => {
  const chunks = new FoundChunks();
  assert.is(chunks.of(await come(chunks, new Uint8Array(1000), 1001)), undefined);
});

found.run();

import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CHUNK_BYTES, chunksOf } from '../../../../guest-sdk/protocol/index.ts';
import { SeededRandom } from '../../../support/random.ts';

const chunker = suite('chunks');

async function chunks(bytes: Uint8Array, pieceBytes = bytes.length): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const found: Uint8Array[] = [];
  for await (const chunk of chunksOf(pieces)) found.push(chunk);
  return found;
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 8);
const MIB = 1024 ** 2;

chunker('the ends of chunks are the same for ever', async () => {
  const found = await chunks(new SeededRandom(7).bytes(MIB));
  assert.equal(
    found.map((chunk) => `${chunk.length} ${digestOf(chunk)}`),
    [
      '77232 0dcbaa21',
      '87795 d339b481',
      '90406 b1476984',
      '83088 347bcb3b',
      '91800 e5666fd0',
      '70134 9c3dc5a9',
      '88755 fd8c7e61',
      '99768 c3b05cfa',
      '78496 2ef69b63',
      '72676 b63b5e0a',
      '72528 bc1a8037',
      '76340 23b0a04d',
      '17926 7f6bc5dd',
      '41632 e636aa4c',
    ],
  );
});

chunker('the bytes are those that came, in lengths within the bounds', async () => {
  const bytes = new SeededRandom(8).bytes(8 * MIB);
  const found = await chunks(bytes);
  assert.ok(Buffer.concat(found).equals(bytes));
  const lengths = found.map(({ length }) => length);
  assert.ok(lengths.slice(0, -1).every((length) => length >= CHUNK_BYTES.least && length <= CHUNK_BYTES.most));
  const mean = bytes.length / lengths.length;
  assert.ok(mean > CHUNK_BYTES.usual / 2 && mean < CHUNK_BYTES.usual * 2, `${mean} bytes on the average`);
});

for (const pieceBytes of [1, 100, 4096, 65_536, 300_000]) {
  chunker(`pieces of ${pieceBytes} bytes make no difference`, async () => {
    const bytes = new SeededRandom(9).bytes(pieceBytes === 1 ? 200_000 : MIB);
    assert.equal((await chunks(bytes, pieceBytes)).map(digestOf), (await chunks(bytes)).map(digestOf));
  });
}

chunker('a change costs the chunks that it touches, and few beside them', async () => {
  const bytes = new SeededRandom(10).bytes(4 * MIB);
  const before = new Set((await chunks(bytes)).map(digestOf));
  const changed = Buffer.concat([bytes.subarray(0, MIB), Buffer.from('inserted'), bytes.subarray(MIB)]);
  const fresh = (await chunks(changed)).filter((chunk) => !before.has(digestOf(chunk)));
  assert.ok(fresh.length <= 3, `${fresh.length} chunks differ`);
});

chunker('bytes that are all the same end at the longest length', async () => {
  const found = await chunks(new Uint8Array(600_000));
  assert.equal(
    found.map(({ length }) => length),
    [CHUNK_BYTES.most, CHUNK_BYTES.most, 600_000 - 2 * CHUNK_BYTES.most],
  );
  assert.equal(await chunks(new Uint8Array(0)), []);
});

chunker.run();

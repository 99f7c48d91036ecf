import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type BatchPart,
  batchHead,
  DICTIONARY_HEAD_BYTES,
  type Digest,
  dictionaryHead,
  digestOfHex,
  MAX_PART_BYTES,
  parseDictionaryHead,
  readBatch,
} from '../../../../guest-sdk/protocol/index.ts';
import { SeededRandom } from '../../../support/random.ts';

const batch = suite('a batch of parts');
const random = new SeededRandom(21);
const digestOf = (bytes: Uint8Array): Digest => digestOfHex(createHash('sha256').update(bytes).digest('hex'));
const PARTS = [1, 36, 5000, 70_000].map((length) => random.bytes(length));
const WHOLE = Buffer.concat(PARTS.flatMap((bytes) => [batchHead(digestOf(bytes), bytes.length), bytes]));

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function read(bytes: Uint8Array, length = bytes.length): Promise<{ parts: BatchPart[]; error: Error | null }> {
  const parts: BatchPart[] = [];
  try {
    for await (const part of readBatch(inPieces(bytes, Math.max(1, length)))) parts.push(part);
    return { parts, error: null };
  } catch (error) {
    return { parts, error: error as Error };
  }
}

for (const length of [1, 7, 36, 4096, WHOLE.length])
  batch(`in pieces of ${length} bytes it is its parts in their order`, async () => {
    const { parts, error } = await read(WHOLE, length);
    assert.is(error, null);
    assert.equal(
      parts.map(({ digest }) => digest),
      PARTS.map(digestOf),
    );
    assert.ok(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(Buffer.concat(PARTS)));
  });

for (const [what, cut, whole] of [
  ['within a head', 36 + 1 + 20, 1],
  ['within a part', WHOLE.length - 1, 3],
  ['behind a head', 36, 0],
] as const)
  batch(`one that ends ${what} gives the parts before`, async () => {
    const { parts, error } = await read(WHOLE.subarray(0, cut));
    assert.is(parts.length, whole);
    assert.match(String(error), /ends within a part/);
  });

for (const length of [0, MAX_PART_BYTES + 1, 0xffffffff])
  batch(`a part of ${length} bytes is refused before there is room for it`, async () => {
    const { error } = await read(batchHead(digestOf(PARTS[0]!), length));
    assert.match(String(error), new RegExp(`expected parts of 1 to ${MAX_PART_BYTES} bytes .*, got one of ${length}$`));
  });

batch('the head of a dictionary is that of RFC 9842', () => {
  const head = dictionaryHead(digestOfHex('ab'.repeat(32)));
  assert.is(Buffer.from(head).toString('hex'), `5e2a4d1820000000${'ab'.repeat(32)}`);
  assert.is(parseDictionaryHead(head), `sha256:${'ab'.repeat(32)}`);
  assert.is(parseDictionaryHead(head.subarray(0, DICTIONARY_HEAD_BYTES - 1)), null);
  head[3]! ^= 1;
  assert.is(parseDictionaryHead(head), null);
});

batch.run();

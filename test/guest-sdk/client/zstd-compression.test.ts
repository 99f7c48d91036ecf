import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { zstdCompression } from '../../../guest-sdk/client/zstd-compression.ts';

const compression = suite('zstd of the client on Node');
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const noise = randomBytes(100_000);
const DICTIONARY = noise.subarray(0, 60_000);

for (const [what, pieces] of [
  ['one short piece', ['abc']],
  ['many short pieces', ['a', 'b', 'c', '', 'd']],
  ['nothing', []],
  ['pieces beyond what is flushed at once', [noise.subarray(0, 50_000), noise.subarray(50_000)]],
] as const)
  for (const dictionary of [undefined, DICTIONARY])
    compression(
      `${what}${dictionary === undefined ? '' : ', with a dictionary'}, is one frame, the same each time`,
      async () => {
        const bytes = pieces.map((piece) => Buffer.from(piece));
        const compress = () =>
          dictionary === undefined
            ? zstdCompression.compress(bytes)
            : zstdCompression.withDictionary!(bytes, dictionary);
        const made = Buffer.from(await compress());
        for (let round = 0; round < 10; round += 1) assert.ok(made.equals(await compress()), `round ${round}`);
        assert.is(made.indexOf(MAGIC), 0);
        assert.is(made.indexOf(MAGIC, 1), -1);
        const plain = zstdDecompressSync(made, dictionary === undefined ? {} : { dictionary });
        assert.ok(plain.equals(Buffer.concat(bytes)));
      },
    );

compression.run();

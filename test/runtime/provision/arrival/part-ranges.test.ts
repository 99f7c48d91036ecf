import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, type Digest, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import { partRanges } from '../../../../runtime/provision/arrival/part-ranges.ts';

const ranges = suite('ranges of parts');

const PARTS = ['abc', 'defg', 'h'].map((text, at) => ({
  digest: digestOfHex(String(at).repeat(64)),
  bytes: text.length,
  text,
}));

function reader() {
  const asked: [string, boolean][] = [];
  const get = async (digest: Digest, _: AbortSignal, urgent = false) => {
    const { text } = PARTS.find((part) => part.digest === digest)!;
    asked.push([text, urgent]);
    return new TextEncoder().encode(text);
  };
  const list = PARTS.map(({ digest, bytes }) => ({ digest, bytes }));
  return { asked, read: partRanges(list, { get } as Parameters<typeof partRanges>[1], new AbortController().signal) };
}

for (const [start, end, expected, parts] of [
  [0, 8, 'abcdefgh', ['abc', 'defg', 'h']],
  [2, 4, 'cd', ['abc', 'defg']],
  [4, 6, 'ef', ['defg']],
  [3, 3, '', []],
] as const)
  ranges(`from ${start} to ${end} are read of the parts that have them, and of no other`, async () => {
    const { asked, read } = reader();
    assert.is(new TextDecoder().decode(await read(start, end, false)), expected);
    assert.equal(
      asked,
      parts.map((text) => [text, false]),
    );
  });

ranges('that are urgent ask for the last part first, so that the first is before all', async () => {
  const { asked, read } = reader();
  assert.is(new TextDecoder().decode(await read(1, 8, true)), 'bcdefgh');
  assert.equal(asked, [
    ['h', true],
    ['defg', true],
    ['abc', true],
  ]);
});

ranges('that are not in the package are refused, and nothing is asked for', async () => {
  const { asked, read } = reader();
  const refused = await read(0, 2 ** 40, true).catch((error: CloudletError) => error);
  assert.is((refused as CloudletError).code, 'package-invalid');
  assert.match((refused as CloudletError).message, "within the package's 8 bytes, got one up to 1099511627776");
  assert.equal(asked, []);
});

ranges.run();

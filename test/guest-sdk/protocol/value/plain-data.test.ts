import { Packr } from 'msgpackr';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  decodeBase64,
  encodeBase64,
  parseJson,
  readMessagePack,
  writeMessagePack,
} from '../../../../guest-sdk/protocol/index.ts';

const plain = suite('plain data from outside');

function refused(work: () => unknown, sentence: RegExp): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'request-invalid');
    assert.match((error as CloudletError).message, sentence);
    return;
  }
  assert.unreachable(`expected a refusal: ${sentence}`);
}

plain('base64 is what everybody else writes', () => {
  for (let length = 0; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff);
    const text = Buffer.from(bytes).toString('base64');
    assert.is(encodeBase64(bytes), text);
    assert.equal(decodeBase64(text), bytes);
  }
});

plain('10 MB of open brackets are refused before they are parsed', () => {
  refused(() => parseJson('['.repeat(10_000_000)), /at most 100 arrays or objects within one another/);
  refused(() => parseJson(`{"a":`.repeat(2_000_000)), /at most 100 arrays or objects/);
});

plain('10 MB of many small values are refused before they are parsed', () => {
  refused(() => parseJson(`[${'[],'.repeat(3_000_000)}0]`), /at most 4000000 values/);
});

plain('brackets and commas within strings count nothing', () => {
  const text = `${'[{,:"'.repeat(1000)}\\`;
  assert.is(parseJson(JSON.stringify(text), { depth: 1, nodes: 1 }), text);
});

plain('text that is no JSON is told so', () => {
  for (const text of ['', '{', '"', '"\\', 'nul', '[1,]', ']']) refused(() => parseJson(text), /expected JSON/);
});

const peer = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'bigint' } as ConstructorParameters<
  typeof Packr
>[0]);
const long = 'é'.repeat(40_000);

for (const value of [
  null,
  true,
  false,
  0,
  1,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -32,
  -33,
  -128,
  -129,
  -32768,
  -32769,
  -(2 ** 31),
  -(2 ** 31) - 1,
  1.5,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e300,
  '',
  'a',
  'x'.repeat(31),
  'x'.repeat(32),
  'x'.repeat(256),
  long,
  [],
  [1, [2]],
  new Array(15).fill(1),
  new Array(16).fill(1),
  new Array(70_000).fill(1),
  {},
  { a: { b: [null] } },
  Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index])),
  Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index])),
]) {
  const shown = `${JSON.stringify(value)}`.slice(0, 30);
  plain(`MessagePack of ${shown} is read back, and a foreign writer's too`, () => {
    assert.equal(readMessagePack(writeMessagePack(value)), value);
    assert.equal(readMessagePack(peer.pack(value)), value);
    if (typeof value === 'number') assert.ok(Object.is(readMessagePack(writeMessagePack(value)), value));
  });
}

plain('MessagePack keeps 64-bit integers and bytes', () => {
  for (const value of [2n ** 53n, 2n ** 64n - 1n, -(2n ** 63n), -(2n ** 53n)]) {
    assert.is(readMessagePack(writeMessagePack(value)), value);
    assert.is(readMessagePack(peer.pack(value)), value);
  }
  assert.is(readMessagePack(writeMessagePack(5n)), 5);
  for (const length of [0, 255, 256, 70_000]) {
    const bytes = new Uint8Array(length).fill(7);
    assert.equal(readMessagePack(writeMessagePack(bytes)), bytes);
    assert.equal(new Uint8Array(readMessagePack(peer.pack(bytes)) as Uint8Array), bytes);
  }
  assert.throws(() => writeMessagePack(2n ** 64n), /64 bits/);
  assert.throws(() => writeMessagePack(() => {}), /plain data/);
});

for (const [what, bytes, sentence] of [
  ['nothing', [], /1 more bytes, got 0/],
  ['more than one value', [1, 2], /1 more bytes after it/],
  ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff], /4294967295 more values, got 0/],
  ['a map of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff], /more values, got 0/],
  ['a string cut short', [0xa5, 0x61], /5 more bytes, got 1/],
  ['bin cut short', [0xc6, 0xff, 0, 0, 0, 1], /more bytes, got 1/],
  ['text that is not UTF-8', [0xa1, 0xff], /UTF-8/],
  ['a number as key', [0x81, 1, 1], /text as the key/],
  ['a key twice', [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2], /"a" twice/],
  ['the key __proto__', [0x81, 0xa9, ...Buffer.from('__proto__'), 0x80], /__proto__/],
  ['an extension type', [0xd4, 0x72, 0], /extension type 114/],
  ['a timestamp', [0xd6, 0xff, 0, 0, 0, 0], /extension type -1/],
  ['the unused code', [0xc1], /0xc1/],
  ['arrays nested too deep', new Array(10_000).fill(0x91), /within one another/],
] as const) {
  plain(`MessagePack with ${what} is refused`, () => refused(() => readMessagePack(Uint8Array.from(bytes)), sentence));
}

plain('MessagePack with too many values is refused', () => {
  refused(
    () => readMessagePack(writeMessagePack(new Array(50).fill(0)), { limits: { depth: 2, nodes: 50 } }),
    /at most 50 values/,
  );
});

plain.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeCommand,
  encodeFrame,
  encodeNumber,
  HEADER_BYTES,
  KINDS,
  type Kind,
  MAX_FRAME_BYTES,
  MAX_PAYLOAD_BYTES,
  numberOf,
  type RelayFrame,
  RelayFrameReader,
  WIRE_VERSION,
} from '../../../../runtime/vm/relay/wire.ts';
import { SeededRandom } from '../../../support/random.ts';

const wire = suite("a relay's frames");

/** What these bytes mean is written in `runtime/vm/guest/wire.h` as well, and is in every saved VM. */
const GOLDEN: readonly (readonly [what: string, bytes: Buffer, hex: string])[] = [
  ['a new host', encodeNumber('reset', 0, WIRE_VERSION), '01000400 00000000 01000000'],
  ['a connection', encodeNumber('connect', 513, 8080), '03000400 01020000 901f0000'],
  ['bytes', encodeFrame('data', 0x80000003, Buffer.from('hi')), '07000200 03000080 6869'],
  ['an end', encodeFrame('end', 7), '08000000 07000000'],
  ['a credit', encodeNumber('credit', 7, 65_536), '0a000400 07000000 00000100'],
  [
    'a server',
    encodeFrame('run', 9, encodeCommand(true, ['sleep 1', 'A=b'])),
    '0c000d00 09000000 01736c6565702031 00413d6200',
  ],
  ['quiet', encodeFrame('quiesce', 0), '0f000000 00000000'],
];
for (const [what, bytes, hex] of GOLDEN) {
  wire(`of ${what} is these bytes`, () => assert.is(bytes.toString('hex'), hex.replaceAll(' ', '')));
}

wire('have these numbers', () => {
  const names =
    'reset ready connect connected refused open data end abort credit closed run exited listen quiesce quiet';
  assert.equal(KINDS, Object.fromEntries(names.split(' ').map((name, at) => [name, at + 1])));
});

/** Frames as they are to be compared: their payloads are views that do not last. */
function read(reader: RelayFrameReader, bytes: Uint8Array): { kind: Kind; id: number; payload: string }[] {
  return [...reader.push(bytes)].map(({ kind, id, payload }) => ({
    kind,
    id,
    payload: Buffer.from(payload).toString('hex'),
  }));
}

wire('come whole out of whatever pieces', () => {
  const random = new SeededRandom(Date.now());
  for (let round = 0; round < 200; round++) {
    const frames = Array.from({ length: 1 + random.below(8) }, () => ({
      kind: random.pick(Object.keys(KINDS) as Kind[]),
      id: random.below(2 ** 32),
      payload: random.bytes(random.below(5) === 0 ? random.below(MAX_PAYLOAD_BYTES + 1) : random.below(40)),
    }));
    const bytes = Buffer.concat(frames.map(({ kind, id, payload }) => encodeFrame(kind, id, payload)));
    const reader = new RelayFrameReader();
    const got: unknown[] = [];
    for (let at = 0; at < bytes.length; ) {
      const to = Math.min(bytes.length, at + 1 + random.below(random.pick([3, 50, 70_000])));
      got.push(...read(reader, bytes.subarray(at, to)));
      at = to;
    }
    const expected = frames.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload).toString('hex') }));
    assert.equal(got, expected, `seed ${random.seed}`);
  }
});

for (const [what, hex, complaint] of [
  ['kind 0', '00000000 00000000', 'got one of kind 0, 0'],
  ['kind 17', '11000000 00000000', 'got one of kind 17, 0'],
  ['a second byte that is not 0', '07010100 00000000', 'got one of kind 7, 1'],
  ['a payload that is too long', '0700f97f 00000000', 'expected a frame of at most 32768 bytes, got 32769'],
] as const) {
  wire(`are none with ${what}, before the payload came`, () => {
    assert.throws(() => [...new RelayFrameReader().push(Buffer.from(hex.replaceAll(' ', ''), 'hex'))], complaint);
  });
}

wire('may have the longest payload and no longer one', () => {
  assert.is(encodeFrame('data', 1, new Uint8Array(MAX_PAYLOAD_BYTES)).length, MAX_FRAME_BYTES);
  assert.throws(() => encodeFrame('data', 1, new Uint8Array(MAX_PAYLOAD_BYTES + 1)), 'at most 32760 bytes, got 32761');
});

for (const length of [0, 3, 5]) {
  wire(`have no number in ${length} bytes`, () => {
    const frame: RelayFrame = { kind: 'credit', id: 1, payload: new Uint8Array(length) };
    assert.throws(() => numberOf(frame), `expected 4 bytes in a frame credit, got ${length}`);
  });
}

wire('of whatever bytes are frames or a sentence, and no more than one frame is held', () => {
  const random = new SeededRandom(Date.now());
  const sample = Buffer.concat(GOLDEN.map(([, bytes]) => bytes));
  for (let round = 0; round < 3000; round++) {
    const reader = new RelayFrameReader();
    const bytes = random.mutate(round % 2 === 0 ? sample : random.bytes(random.below(200)));
    try {
      for (let at = 0; at < bytes.length; at += 1 + random.below(64)) {
        for (const { payload } of reader.push(bytes.subarray(at, at + 1 + random.below(64)))) {
          assert.ok(payload.length <= MAX_FRAME_BYTES - HEADER_BYTES, `seed ${random.seed}`);
        }
      }
    } catch (error) {
      assert.match((error as Error).message, /^expected a frame/, `seed ${random.seed}`);
    }
  }
});

wire.run();

import { Packr } from 'msgpackr';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CHUNK_BYTES,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  FrameReader,
  HEADER_BYTES,
  KIND,
  type KindName,
  MAX_FRAME_BYTES,
  WIRE_VERSION,
  WireError,
} from '../../../runtime/agent/wire.ts';
import { SeededRandom } from '../../support/random.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const wire = suite('the wire');

// A change of any of these is a change of the wire: it needs a new WIRE_VERSION, because machines with the old agent exist.
for (const [name, kind, id, message, golden] of [
  [
    'ready',
    'ready',
    0,
    { wire: 4, node: 'v24.21.0', workers: 4 },
    '1e000000 0a 10 0000 00000000 83 a477697265 04 a46e6f6465 a87632342e32312e30 a7776f726b657273 04',
  ],
  ['credit', 'credit', 7, { bytes: 131072 }, '0c000000 0a 0a 0000 07000000 81 a56279746573 ce00020000'],
  ['late', 'late', 0, { late: 3, piece: 2 }, '0e000000 0a 0f 0000 00000000 82 a46c617465 03 a57069656365 02'],
  ['recall', 'recall', 0, { worker: 1, last: 7 }, '0f000000 0a 1c 0000 00000000 82 a6776f726b6572 01 a46c617374 07'],
  [
    'recalled',
    'recalled',
    0,
    { worker: 1, last: 7, begun: 5 },
    '16000000 0a 1d 0000 00000000 83 a6776f726b6572 01 a46c617374 07 a5626567756e 05',
  ],
  ['want', 'want', 0, { late: 3, piece: 2 }, '0e000000 0a 1b 0000 00000000 82 a46c617465 03 a57069656365 02'],
  [
    'ask',
    'ask',
    0x8000_0001,
    { invocation: 1, service: 'keyvalue.get', args: ['k'] },
    '2a000000 0a 19 0000 01000080 83 aa696e766f636174696f6e 01 a773657276696365 ac6b657976616c75652e676574 a461726773 91 a16b',
  ],
  [
    'answer',
    'answer',
    0x8000_0001,
    { value: Uint8Array.of(7), last: true },
    '10000000 0a 0d 0000 01000080 82 a576616c7565 c40107 a46c617374 c3',
  ],
  [
    'finish',
    'finish',
    0xffff_ffff,
    { code: 'no-such-store', detail: '' },
    '1c000000 0a 0e 0000 ffffffff 82 a4636f6465 ad6e6f2d737563682d73746f7265 a664657461696c a0',
  ],
] as const) {
  wire(`writes ${name} as it always did`, () => {
    assert.is(hex(encodeFrame(kind, id, encodeMessage(message))), golden.replaceAll(' ', ''));
    const [frame] = new FrameReader().push(bytes(golden));
    assert.is(frame?.kind, kind);
    assert.is(frame?.id, id);
    assert.equal(JSON.stringify(decodeMessage(frame!.payload)), JSON.stringify(message));
  });
}

wire('numbers its kinds as it always did', () => {
  assert.equal(KIND, {
    load: 1,
    invoke: 2,
    cancel: 3,
    ping: 4,
    prepare: 5,
    grant: 6,
    mark: 7,
    body: 8,
    end: 9,
    credit: 10,
    bulk: 11,
    freed: 12,
    answer: 13,
    finish: 14,
    late: 15,
    ready: 16,
    loaded: 17,
    head: 18,
    done: 19,
    log: 20,
    pong: 21,
    prepared: 22,
    lost: 23,
    renewed: 24,
    ask: 25,
    forget: 26,
    want: 27,
    recall: 28,
    recalled: 29,
  });
  assert.is(WIRE_VERSION, 10);
});

wire('joins frames that came in pieces and parts those that came together', () => {
  const frames: [KindName, number, Uint8Array][] = [
    ['ping', 1, new Uint8Array(0)],
    ['body', 2, new Uint8Array(CHUNK_BYTES).fill(5)],
    ['end', 2, new Uint8Array(0)],
  ];
  const stream = Buffer.concat(frames.map(([kind, id, payload]) => encodeFrame(kind, id, payload)));
  for (const size of [1, 5, 12, 13, 4096, stream.length]) {
    const reader = new FrameReader();
    const read: [KindName, number, Uint8Array][] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const { kind, id, payload } of reader.push(stream.subarray(at, at + size))) read.push([kind, id, payload]);
    }
    assert.equal(
      read.map(([kind, id, payload]) => [kind, id, hex(payload)]),
      frames.map(([kind, id, payload]) => [kind, id, hex(payload)]),
    );
    assert.is(reader.pendingBytes, 0);
  }
});

for (const [what, header] of [
  ['a frame that is longer than the limit', '01001000 0a 08 0000 00000000'],
  ['another version', '00000000 01 08 0000 00000000'],
  ['an unknown kind', '00000000 0a 1f 0000 00000000'],
  ['bits where none may be', '00000000 0a 08 0100 00000000'],
] as const) {
  wire(`refuses ${what} by its header`, () => {
    assert.throws(
      () => new FrameReader().push(bytes(header)),
      (error: unknown) => error instanceof WireError,
    );
  });
}

wire('makes no frame that its reader would refuse', () => {
  assert.is(encodeFrame('body', 1, new Uint8Array(MAX_FRAME_BYTES)).length, MAX_FRAME_BYTES + HEADER_BYTES);
  assert.throws(() => encodeFrame('body', 1, new Uint8Array(MAX_FRAME_BYTES + 1)), 'at most');
});

const packed = (value: unknown) => hex(new Packr({ moreTypes: true, structuredClone: true }).pack(value));
const cycle: unknown[] = [];
cycle.push(cycle);

for (const [what, text, sentence] of [
  ['nothing', '', /1 more byte/],
  ['the unused code', 'c1', /0xc1/],
  ['an array of 4 billion', 'ddffffffff', /1 more byte/],
  ['a map of 4 billion', 'dfffffffff', /1 more byte/],
  ['bytes cut short', 'c6ffffffff', /4294967295 more bytes/],
  ['a text cut short', 'a361', /2 more bytes/],
  ['a length cut short', 'da01', /rest of a length/],
  ['an array cut short', '92', /1 more byte/],
  ['a map without its value', '81a161', /1 more byte/],
  ['a second value', '0102', /1 more bytes after it/],
  ['arrays nested too deep', '91'.repeat(100_000), /at most 16 arrays or maps/],
  ['too many values', `dd000fffff${'80'.repeat(2 ** 20 - 1)}`, /at most 262144 values/],
  ['a key that is an array', '819001', /do not decode/],
  ['an extension of 4 billion', 'c9ffffffff74', /0xc9/],
  ['a timestamp', packed(new Date(0)), /0xd6/],
  ['a regular expression', packed(/(a+)+/), /0xd4/],
  ['a cycle', packed(cycle), /0xd6/],
  ['a record, whose reader would be compiled', packed({ key: 1 }), /0xd4/],
  ['a record with a long id', 'd572400091a16b01', /0xd5/],
  ['a typed array', packed(Float64Array.of(1)), /0xc7/],
  ['strings that are elsewhere', 'd662000000 0a 01', /0xd6/],
] as const) {
  wire(`refuses ${what} in a message with a WireError`, () => {
    try {
      decodeMessage(bytes(text));
    } catch (error) {
      assert.instance(error, WireError);
      assert.match((error as WireError).message, sentence);
      return;
    }
    assert.unreachable('expected a refusal');
  });
}

wire('sets no prototype through a key', () => {
  const message = decodeMessage(bytes(`81a9${hex(Buffer.from('__proto__'))}81a161 01`)) as object;
  assert.is(Object.getPrototypeOf(message), Object.prototype);
  assert.is((message as { a?: unknown }).a, undefined);
});

wire('gives bytes as plain views of what it was given, and text as it was', () => {
  const buffer = Buffer.from(encodeMessage({ input: Uint8Array.of(1, 2), none: undefined }));
  const { input, none } = decodeMessage(buffer) as { input: Uint8Array; none: unknown };
  assert.is(input.constructor, Uint8Array);
  assert.is(input.buffer, buffer.buffer);
  assert.equal([...input], [1, 2]);
  assert.is(none, null);
  const texts = ['', '\ufeff', '\ufeff'.repeat(30), `\ufeff${'x'.repeat(61)}`].concat(
    [62, 250, 253, 70_000].map((length) => `\ufeff${'é'.repeat(length)}`),
  );
  assert.equal(decodeMessage(encodeMessage({ texts })), { texts });
});

wire('gives messages of their own: a later one changes no earlier one', () => {
  const messages = Array.from({ length: 50 }, (_, index) => ({ input: new Uint8Array(index * 997).fill(index) }));
  const encoded = messages.map((message) => encodeMessage(message));
  assert.equal(encoded.map(decodeMessage), messages);
});

wire('survives a peer that sends anything', () => {
  const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now()));
  const sample = Buffer.concat([
    encodeFrame('invoke', 3, encodeMessage({ door: 'run', arguments: ['a'], deadlineMs: 5, input: null })),
    encodeFrame('body', 3, random.bytes(300)),
    encodeFrame('done', 3, encodeMessage({ kind: 'failed', code: 'guest-trapped', detail: 'x', runMs: 2 })),
  ]);
  let rounds = 0;
  try {
    for (; rounds < 2000; rounds += 1) {
      const reader = new FrameReader();
      const stream = random.below(4) === 0 ? random.bytes(random.below(200)) : random.mutate(sample);
      try {
        for (let at = 0; at < stream.length; ) {
          const size = 1 + random.below(100);
          for (const { kind, payload } of reader.push(stream.subarray(at, at + size))) {
            assert.ok(payload.length <= MAX_FRAME_BYTES);
            if (kind !== 'body') decodeMessage(payload);
          }
          at += size;
        }
        assert.ok(reader.pendingBytes <= MAX_FRAME_BYTES + HEADER_BYTES);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  } catch (error) {
    throw new Error(`seed ${random.seed}, round ${rounds}`, { cause: error });
  }
});

wire.run();

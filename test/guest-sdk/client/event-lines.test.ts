import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_EVENT_CHARACTERS, readEvents, type StreamEvent } from '../../../guest-sdk/client/event-lines.ts';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const events = suite('an event stream');

async function* chunks(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text;
}

async function read(...texts: (string | Uint8Array)[]): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of readEvents(chunks(...texts))) all.push(event);
  return all;
}

const one = (event: string, data: string, id = ''): StreamEvent[] => [{ event, data, id }];

const TABLE: readonly [what: string, texts: string[], expected: StreamEvent[]][] = [
  ['nothing', [], []],
  ['an event', ['event: line\ndata: {"a":1}\n\n'], one('line', '{"a":1}')],
  ['an event without a name', ['data: x\n\n'], one('message', 'x')],
  ['several lines of data', ['data: a\ndata: b\n\n'], one('message', 'a\nb')],
  ['no space behind the colon', ['data:x\n\n'], one('message', 'x')],
  ['one space only is taken', ['data:  x\n\n'], one('message', ' x')],
  ['a field without a colon', ['data\n\n'], one('message', '')],
  ['comments', [': open\n\n: alive\n\ndata: x\n\n'], one('message', 'x')],
  ['fields of others', ['retry: 1\ndata: x\n\n'], one('message', 'x')],
  [
    'an id, which holds until another',
    ['id: 7\ndata: x\n\ndata: y\n\n'],
    [...one('message', 'x', '7'), ...one('message', 'y', '7')],
  ],
  ['an event without data', ['event: line\n\ndata: x\n\n'], one('message', 'x')],
  ['CRLF', ['data: a\r\n\r\n'], one('message', 'a')],
  ['CR', ['data: a\r\rdata: b\r\r'], [...one('message', 'a'), ...one('message', 'b')]],
  ['a CRLF in two chunks', ['data: a\r', '\n\r', '\n'], one('message', 'a')],
  ['chunks that cut everywhere', [...'event: line\ndata: x\n\n'], one('line', 'x')],
  ['an end before the blank line', ['data: x\n'], []],
];
for (const [what, texts, expected] of TABLE) {
  events(`${what}: ${JSON.stringify(texts.join('')).slice(0, 40)}`, async () => {
    assert.equal(await read(...texts), expected);
  });
}

events('a character that is cut by a chunk is put together', async () => {
  const bytes = Buffer.from('data: ü€𝄞\n\n');
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.equal(await read(bytes.subarray(0, cut), bytes.subarray(cut)), one('message', 'ü€𝄞'));
  }
});

for (const [what, unit] of [
  ['a line without end', 'x'.repeat(65_536)],
  ['an event without end', `data: ${'x'.repeat(65_536)}\n`],
] as const) {
  events(`${what} is given up at the limit`, async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; ; sent += unit.length) yield Buffer.from(unit);
    }
    const error = await readEvents(endless())
      .next()
      .then(
        () => assert.unreachable('expected a refusal'),
        (thrown: unknown) => thrown,
      );
    assert.is((error as CloudletError).code, 'result-too-large');
    assert.ok(sent <= MAX_EVENT_CHARACTERS + unit.length);
  });
}

events('random bytes in random pieces never break it, and the pieces change nothing', async () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const ALPHABET = Buffer.from('data: event\r\n\n:\rxü\0\xff', 'latin1');
  for (let round = 0; round < 1000; round += 1) {
    const bytes = Uint8Array.from({ length: random(200) }, () => ALPHABET[random(ALPHABET.length)]!);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random(9);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    assert.equal(await read(...pieces), await read(bytes), `seed ${seed}`);
  }
});

events.run();

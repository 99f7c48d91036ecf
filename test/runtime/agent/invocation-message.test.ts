import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type DoneMessage,
  decodeDone,
  decodeHead,
  decodeInvoke,
  encodeDone,
  encodeHead,
  encodeInvoke,
  type HeadMessage,
  type InvokeMessage,
  WireError,
} from '../../../runtime/agent/wire.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Views of one buffer and copies of it are the same bytes, and members have no order. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const messages = suite('the messages of an invocation');

const HTTP: InvokeMessage = {
  door: 'http',
  method: 'GET',
  scheme: 'https',
  authority: 'cloudlet.local:8080',
  path: '/a%20b?x=é',
  headers: [
    ['accept', Buffer.from('*/*')],
    ['x-latin', Uint8Array.of(0xe9, 0xff)],
    ['x-empty', new Uint8Array(0)],
  ],
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'a=b',
  deadlineMs: 60_000,
  input: Uint8Array.of(1, 2, 3),
};

const INVOKES: readonly (readonly [string, InvokeMessage])[] = [
  ['an http request with all that there can be', HTTP],
  ['one without', { ...HTTP, headers: [], input: null, path: '/' }],
  ['a call', { door: 'call', target: 'interface.fn', deadlineMs: 0.5, input: new Uint8Array(0) }],
  ['a rehearsal', { door: 'call', target: 'fn', deadlineMs: 1, input: null, rehearsal: true }],
  [
    'a command',
    { door: 'run', arguments: ['', 'ä\u{1f4f7}', 'a\0b'], traceparent: 'p', deadlineMs: 2 ** 40, input: null },
  ],
  ['an instance of which nothing is called', { door: 'start', deadlineMs: 1, input: null }],
  ['a command without arguments', { door: 'run', arguments: [], deadlineMs: 1, input: null }],
];

for (const [what, message] of INVOKES) {
  messages(`carry ${what}`, () => {
    const members = { traceparent: undefined, tracestate: undefined, rehearsal: false };
    const read = decodeInvoke(encodeInvoke(message));
    // Those of a request are read when they are asked for.
    const fields = read.door === 'http' ? { headers: read.headers } : {};
    assert.equal(plain({ ...read, ...fields }), plain({ ...members, ...message }));
  });
}

messages('of a rehearsal have the members of every other, in their order', () => {
  const [call, rehearsal] = [undefined, true as const].map((rehearsed) =>
    decodeInvoke(
      encodeInvoke({
        ...{ door: 'call', target: 'fn', deadlineMs: 1, input: null },
        ...(rehearsed === undefined ? { traceparent: 'p' } : { rehearsal: rehearsed }),
      }),
    ),
  );
  assert.equal(Object.keys(rehearsal!), Object.keys(call!));
});

const HEADS: readonly HeadMessage[] = [
  { status: 200, headers: [] },
  {
    status: 404,
    headers: [
      ['content-type', Buffer.from('text/plain')],
      ['Ünïcode', Uint8Array.of(0)],
    ],
  },
];

for (const head of HEADS) {
  messages(`carry a head with ${head.headers.length} fields`, () =>
    assert.equal(plain(decodeHead(encodeHead(head))), plain(head)),
  );
}

const DONES: readonly DoneMessage[] = [
  { kind: 'ok', exitCode: 0, runMs: 0.25 },
  { kind: 'ok', exitCode: 255, runMs: 1, trailers: [] },
  { kind: 'ok', exitCode: 0, runMs: 1, trailers: [['x-t', Buffer.from('z')]] },
  { kind: 'failed', code: 'guest-trapped', detail: 'unreachable — “here”', runMs: 3 },
];

for (const done of DONES) {
  messages(`carry the end ${JSON.stringify(plain(done)).slice(0, 60)}`, () =>
    assert.equal(plain(decodeDone(encodeDone(done))), plain(done)),
  );
}

// A change of any of these is a change of the wire: it needs a new WIRE_VERSION, because machines with the old agent exist.
const GOLDEN = {
  invoke: '04 010000 01000000 0000000000406f40 0000000000000000 03000000 03000000 616464 920102',
  head: '00 010000 01000000 0000000000007940 0000000000000000 01000000 02000000 61 6263',
  done: '00 000000 00000000 000000000000f83f 0000000000000000',
} as const;

messages('are written as they always were', () => {
  const call = { door: 'call', target: 'add', deadlineMs: 250, input: Uint8Array.of(0x92, 1, 2) } as const;
  assert.is(hex(encodeInvoke(call)), GOLDEN.invoke.replaceAll(' ', ''));
  assert.is(hex(encodeHead({ status: 400, headers: [['a', Buffer.from('bc')]] })), GOLDEN.head.replaceAll(' ', ''));
  assert.is(hex(encodeDone({ kind: 'ok', exitCode: 0, runMs: 1.5 })), GOLDEN.done.replaceAll(' ', ''));
});

for (const [what, text] of [
  ['fewer bytes than every message has', '00 010000'],
  ['more texts than there are lengths of', `00 ffffff 00000000 ${'00'.repeat(16)}`],
  ['more pieces than there are lengths of', `00 000000 ffffffff ${'00'.repeat(16)}`],
  ['pieces longer than what is there', `00 010000 01000000 ${'00'.repeat(16)} 01000000 ffffffff 61`],
  ['texts longer than what is there', `00 010000 01000000 ${'00'.repeat(16)} 02000000 00000000 61`],
  ['bytes that belong to nothing', `00 010000 01000000 ${'00'.repeat(16)} 01000000 00000000 6162`],
  ['names without values', `00 010000 00000000 ${'00'.repeat(16)} 01000000 61`],
] as const) {
  messages(`are refused that have ${what}`, () => {
    assert.throws(
      () => decodeHead(bytes(text)),
      (error: unknown) => error instanceof WireError,
    );
  });
}

messages('are refused of an end that there is not', () => {
  assert.throws(
    () => decodeDone(bytes(`03 000000 00000000 ${'00'.repeat(16)}`)),
    (error: unknown) => error instanceof WireError,
  );
});

messages.run();

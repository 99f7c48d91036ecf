import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS, emptySource, memorySource } from '../../../../../runtime/wasi/index.ts';
import { httpInterfaces3 } from '../../../../../runtime/wasi/p3/http/http.ts';
import { Request3 } from '../../../../../runtime/wasi/p3/http/request.ts';
import { Response3 } from '../../../../../runtime/wasi/p3/http/response.ts';
import { PushSource, thrown, utf8 } from '../../backend.ts';
import { collect, FakeStream, seatWith } from '../guest-parts.ts';

const messages = suite('messages of wasi:http 0.3');

const seat = seatWith({ limits: { ...DEFAULT_LIMITS, fields: 3 } });
const { Fields, Request, RequestOptions, Response } = httpInterfaces3(seat)['wasi:http/types@0.3'];
const NO_TRAILERS = Promise.resolve({ tag: 'ok', val: undefined } as const);
const request = () => Request.new(new Fields(), undefined, NO_TRAILERS, undefined)[0];

/** A future of the guest, which is read when somebody waits for it. */
class Future {
  reads = 0;

  // biome-ignore lint/suspicious/noThenProperty: that is how the glue gives a future.
  then(resolve: (value: unknown) => void): void {
    this.reads += 1;
    resolve({ tag: 'ok', val: undefined });
  }
}

messages('fields keep the name under which they came first, whatever its case', () => {
  const fields = new Fields();
  fields.append('X-Sum', utf8('1'));
  fields.append('x-sum', utf8('2'));
  assert.equal(fields.copyAll(), [
    ['X-Sum', utf8('1')],
    ['X-Sum', utf8('2')],
  ]);
  assert.equal(fields.get('X-SUM'), [utf8('1'), utf8('2')]);
  assert.ok(fields.has('x-SUM'));
  assert.equal(fields.getAndDelete('x-sum'), [utf8('1'), utf8('2')]);
  assert.equal(fields.copyAll(), []);
});

for (const [what, call, tag] of [
  ['a name that is none', () => new Fields().append('a b', utf8('x')), 'invalid-syntax'],
  ['a value with a line break', () => new Fields().set('a', [utf8('x\r\ny: z')]), 'invalid-syntax'],
  ['a field of the connection', () => Fields.fromList([['Connection', utf8('close')]]), 'forbidden'],
  [
    'more fields than the limit',
    () => Fields.fromList(['a', 'b', 'c', 'd'].map((name) => [name, utf8('x')])),
    'size-exceeded',
  ],
  ['fields of a message', () => request().getHeaders().delete('a'), 'immutable'],
] as const) {
  messages(`${what} is refused: ${tag}`, () => {
    const before = seat.context.handles;
    assert.equal(thrown(call), { tag });
    assert.ok(seat.context.handles <= before + 4);
  });
}

messages('a list that is refused holds no handle', () => {
  const before = seat.context.handles;
  thrown(() => Fields.fromList([['Host', utf8('x')]]));
  assert.is(seat.context.handles, before);
});

for (const [set, given, shown] of [
  ['setMethod', { tag: 'other', val: 'GET' }, { tag: 'get' }],
  ['setMethod', { tag: 'other', val: 'BREW' }, { tag: 'other', val: 'BREW' }],
  ['setScheme', { tag: 'other', val: 'https' }, { tag: 'HTTPS' }],
  ['setScheme', undefined, undefined],
  ['setPathWithQuery', '', '/'],
  ['setPathWithQuery', '/a?b=[c]', '/a?b=[c]'],
  ['setPathWithQuery', '/ä', '/ä'],
  ['setAuthority', 'user:pass@example.com:80', 'user:pass@example.com:80'],
  ['setAuthority', '[2001:db8::1]:80', '[2001:db8::1]:80'],
] as const) {
  messages(`${set} takes ${JSON.stringify(given)}`, () => {
    const made = request();
    (made[set] as (value: unknown) => void)(given);
    assert.equal(made[set.replace('set', 'get') as 'getMethod'](), shown);
  });
}

for (const [set, given] of [
  ['setMethod', { tag: 'other', val: 'A B' }],
  ['setScheme', { tag: 'other', val: '1http' }],
  ['setPathWithQuery', '/a b'],
  ['setPathWithQuery', '/a\nb'],
  ['setPathWithQuery', '/<script>'],
  ['setAuthority', 'a b'],
  ['setAuthority', ''],
  ['setAuthority', 'localhost:what'],
  ['setAuthority', '@@'],
] as const) {
  messages(`${set} refuses ${JSON.stringify(given)} and keeps what was`, () => {
    const made = request();
    const before = made[set.replace('set', 'get') as 'getMethod']();
    assert.is(
      thrown(() => (made[set] as (value: unknown) => void)(given)),
      undefined,
    );
    assert.equal(made[set.replace('set', 'get') as 'getMethod'](), before);
  });
}

messages('a status is one of HTTP', () => {
  const [response] = Response.new(new Fields(), undefined, NO_TRAILERS);
  assert.is(response.getStatusCode(), 200);
  for (const status of [100, 204, 599]) {
    response.setStatusCode(status);
    assert.is(response.getStatusCode(), status);
  }
  for (const status of [0, 99, 600, 65535])
    assert.is(
      thrown(() => response.setStatusCode(status)),
      undefined,
    );
});

messages('options are kept, cloned, and immutable with their request', () => {
  const options = new RequestOptions();
  assert.is(options.getConnectTimeout(), undefined);
  options.setConnectTimeout(1n);
  options.setFirstByteTimeout(2n);
  options.setBetweenBytesTimeout(3n);
  const clone = options.clone();
  clone.setConnectTimeout(undefined);
  assert.is(options.getConnectTimeout(), 1n);
  const made = Request.new(new Fields(), undefined, NO_TRAILERS, options)[0];
  const held = made.getOptions()!;
  assert.equal([held.getConnectTimeout(), held.getFirstByteTimeout(), held.getBetweenBytesTimeout()], [1n, 2n, 3n]);
  for (const set of ['setConnectTimeout', 'setFirstByteTimeout', 'setBetweenBytesTimeout'] as const) {
    assert.equal(
      thrown(() => held[set](4n)),
      { tag: 'immutable' },
    );
  }
  assert.is(request().getOptions(), undefined);
});

messages('a guest reads the body that it made itself, and its own verdict is that of the transmission', async () => {
  const stream = new FakeStream('hello');
  const [response, sent] = Response.new(new Fields(), stream, NO_TRAILERS);
  const [contents, trailers] = Response.consumeBody(
    response,
    Promise.resolve({ tag: 'err', val: { tag: 'loop-detected' } }),
  );
  assert.is(contents, stream);
  assert.equal(await trailers, { tag: 'ok', val: undefined });
  assert.equal(await sent, { tag: 'err', val: { tag: 'loop-detected' } });
  assert.is(stream.disposed, 0);
});

messages('a message that is dropped was not transmitted', async () => {
  const before = seat.context.handles;
  const stream = new FakeStream('hello');
  const trailers = new Future();
  const [made, sent] = Request.new(new Fields(), stream, trailers as never, new RequestOptions());
  made[Symbol.dispose]();
  made[Symbol.dispose]();
  assert.equal(await sent, { tag: 'err', val: { tag: 'connection-terminated' } });
  assert.is(stream.disposed, 1);
  assert.is(trailers.reads, 1);
  assert.is(seat.context.handles, before);
});

messages('a request that came shows what it is, and its body and trailers are read', async () => {
  const incoming = {
    ...{ method: 'PATCH', scheme: 'https', authority: 'example.com', path: '/x?y' },
    headers: [
      ['A', utf8('1')],
      ['Connection', utf8('close')],
    ] as [string, Uint8Array][],
    body: memorySource(utf8('hello')),
    trailers: async () => [['x-sum', utf8('5')]] as [string, Uint8Array][],
  };
  const came = Request3.incoming(seat.context, incoming);
  assert.equal(came.getMethod(), { tag: 'patch' });
  assert.equal(came.getScheme(), { tag: 'HTTPS' });
  assert.is(came.getAuthority(), 'example.com');
  assert.is(came.getPathWithQuery(), '/x?y');
  assert.equal(came.getHeaders().copyAll(), [['A', utf8('1')]]);
  const [contents, trailers] = Request.consumeBody(came, Promise.resolve({ tag: 'ok', val: undefined }));
  assert.is(await collect(contents), 'hello');
  const result = await trailers;
  assert.is(result.tag, 'ok');
  assert.equal((result.val as { copyAll(): unknown }).copyAll(), [['x-sum', utf8('5')]]);
});

messages('a request that is dropped wants no body', () => {
  const body = new PushSource();
  const headers: [string, Uint8Array][] = [];
  Request3.incoming(seat.context, { method: 'GET', scheme: null, authority: null, path: null, headers, body })[
    Symbol.dispose
  ]();
  assert.is(body.closed, true);
});

messages('trailers that do not come are an error of the connection', async () => {
  const trailers = () => Promise.reject(new Error('gone'));
  const response = Response3.incoming(seat.context, { status: 201, headers: [], body: emptySource, trailers });
  assert.is(response.getStatusCode(), 201);
  const [contents, ended] = Response.consumeBody(response, Promise.resolve({ tag: 'ok', val: undefined }));
  assert.is(await collect(contents), '');
  assert.equal(await ended, { tag: 'err', val: { tag: 'connection-terminated' } });
});

messages('without a network a request is denied, and known as not transmitted', async () => {
  const { send } = httpInterfaces3(seat)['wasi:http/client@0.3'];
  const stream = new FakeStream('hello');
  const [made, sent] = Request.new(new Fields(), stream, NO_TRAILERS, undefined);
  assert.equal(await send(made).catch((code: unknown) => code), { tag: 'HTTP-request-denied' });
  assert.equal(await sent, { tag: 'err', val: { tag: 'HTTP-request-denied' } });
  assert.is(stream.disposed, 1);
});

messages.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS, emptySource, type HttpHead } from '../../../../../runtime/wasi/index.ts';
import { httpInterfaces3 } from '../../../../../runtime/wasi/p3/http/http.ts';
import { Response3 } from '../../../../../runtime/wasi/p3/http/response.ts';
import { handleRequest } from '../../../../../runtime/wasi/p3/http/transmit.ts';
import type { GuestStream } from '../../../../../runtime/wasi/p3/stream/guest-stream.ts';
import { PushSource, utf8, WindowSink } from '../../backend.ts';
import { FakeStream, seatWith, settle } from '../guest-parts.ts';

const exchange = suite('an exchange of wasi:http 0.3');

interface Given {
  readonly status?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly contents?: GuestStream;
  readonly trailers?: unknown;
  readonly method?: string;
  readonly sink?: WindowSink;
}

const NO_TRAILERS = { tag: 'ok', val: undefined };

function open({
  status = 200,
  headers = [],
  contents,
  trailers = NO_TRAILERS,
  method = 'GET',
  sink = new WindowSink(1000),
}: Given) {
  const seat = seatWith({ limits: { ...DEFAULT_LIMITS, bodyWindowBytes: 4 } });
  const { Fields, Response } = httpInterfaces3(seat)['wasi:http/types@0.3'];
  const heads: HttpHead[] = [];
  const body = new PushSource();
  let sent: Promise<unknown> | undefined;
  const handle = (request: unknown) => {
    (request as Disposable)[Symbol.dispose]();
    const fields = Fields.fromList(headers.map(([name, value]) => [name, utf8(value)] as const));
    const made = Response.new(fields, contents, Promise.resolve(trailers) as never);
    made[0].setStatusCode(status);
    sent = made[1];
    return made[0];
  };
  const incoming = { method, scheme: 'http', authority: 'a', path: '/', headers: [], body };
  const end = handleRequest(seat.context, handle, incoming, (head) => {
    heads.push(head);
    return sink;
  });
  return { seat, Fields, sink, heads, body, end, sent: async () => sent };
}

exchange('sends status, headers, body and trailers, and says that they were sent', async () => {
  const seat = seatWith();
  const trailers = httpInterfaces3(seat)['wasi:http/types@0.3'].Fields.fromList([['x-sum', utf8('5')]]);
  const one = open({
    status: 201,
    headers: [['a', 'b']],
    contents: new FakeStream('hel', 'lo'),
    trailers: { tag: 'ok', val: trailers },
  });
  assert.equal(await one.end, { kind: 'finished', trailers: [['x-sum', utf8('5')]] });
  assert.equal(one.heads, [{ status: 201, headers: [['a', utf8('b')]] }]);
  assert.is(one.sink.text, 'hello');
  assert.is(one.sink.closed, true);
  assert.equal(await one.sent(), { tag: 'ok', val: undefined });
  assert.is(one.body.closed, true);
  assert.is(one.seat.context.handles, 0);
  assert.is(seat.context.handles, 0);
});

exchange('without contents has an empty body', async () => {
  const one = open({});
  assert.equal(await one.end, { kind: 'finished', trailers: [] });
  assert.is(one.sink.text, '');
});

exchange('lets the guest write no faster than its caller reads', async () => {
  const contents = new FakeStream('hello');
  const one = open({ contents, sink: new WindowSink(2) });
  await settle();
  assert.is(one.sink.text, 'he');
  one.sink.drain();
  await settle();
  one.sink.drain();
  assert.is((await one.end).kind, 'finished');
  assert.ok(one.sink.most <= 2);
  assert.equal(Math.max(...contents.asked), 2);
});

for (const [what, given, end] of [
  ['an informational status', { status: 103 }, { kind: 'error', code: { tag: 'HTTP-protocol-error' } }],
  [
    'lengths that disagree',
    {
      headers: [
        ['content-length', '1'],
        ['content-length', '2'],
      ],
    },
    { kind: 'error', code: { tag: 'HTTP-protocol-error' } },
  ],
  [
    'a length without contents',
    { headers: [['content-length', '5']] },
    { kind: 'error', code: { tag: 'HTTP-response-body-size', val: 0n } },
  ],
] as const satisfies readonly (readonly [string, Given, unknown])[]) {
  exchange(`refuses ${what}`, async () => {
    const one = open(given);
    assert.equal(await one.end, end);
    assert.equal(one.heads, []);
    assert.is(((await one.sent()) as { tag: string }).tag, 'err');
  });
}

for (const [what, content, size] of [
  ['shorter', 'four', 4n],
  ['longer', 'sixsix', 6n],
] as const) {
  exchange(`breaks off a body that is ${what} than it says`, async () => {
    const contents = new FakeStream(content);
    const one = open({ headers: [['content-length', '5']], contents });
    assert.is((await one.end).kind, 'truncated');
    assert.equal(await one.sent(), { tag: 'err', val: { tag: 'HTTP-response-body-size', val: size } });
    assert.is(contents.disposed >= 1, true);
  });
}

for (const [status, method] of [
  [200, 'HEAD'],
  [304, 'GET'],
] as const) {
  exchange(`to ${method} with ${status} may say a length and have no body`, async () => {
    const one = open({ status, method, headers: [['content-length', '5']] });
    assert.equal(await one.end, { kind: 'finished', trailers: [] });
  });
}

exchange('breaks off when the guest ends its trailers with an error', async () => {
  const one = open({ contents: new FakeStream('a'), trailers: { tag: 'err', val: { tag: 'loop-detected' } } });
  const end = await one.end;
  assert.equal(end, { kind: 'truncated', detail: 'the guest ended it with the error loop-detected' });
  assert.equal(await one.sent(), { tag: 'err', val: { tag: 'loop-detected' } });
});

exchange('tells the guest when nobody reads any more', async () => {
  const { StreamFailure } = await import('../../../../../runtime/wasi/index.ts');
  const contents = new FakeStream('a', 'b');
  const one = open({ contents, sink: new WindowSink(1) });
  await settle();
  one.sink.failure = new StreamFailure('the caller left');
  one.sink.drain();
  assert.equal(await one.end, { kind: 'truncated', detail: 'the caller left' });
  assert.equal(await one.sent(), { tag: 'err', val: { tag: 'connection-terminated' } });
  assert.is(contents.disposed >= 1, true);
});

exchange('ends with the instance', async () => {
  const never: GuestStream = { read: () => new Promise(() => {}), [Symbol.dispose]() {} };
  const one = open({ contents: never });
  await settle();
  one.seat.context.close();
  assert.is((await one.end).kind, 'truncated');
  assert.is(one.body.closed, true);
});

exchange('passes on what another computer answered', async () => {
  const seat = seatWith();
  const body = new PushSource();
  body.push('far');
  body.push(null);
  const trailers = async () => [['x', utf8('1')]] as [string, Uint8Array][];
  const handle = (request: unknown) => {
    (request as Disposable)[Symbol.dispose]();
    return Response3.incoming(seat.context, { status: 203, headers: [], body, trailers });
  };
  const sink = new WindowSink(1000);
  const incoming = { method: 'GET', scheme: 'http', authority: 'a', path: '/', headers: [], body: emptySource };
  const end = await handleRequest(seat.context, handle, incoming, () => sink);
  assert.equal(end, { kind: 'finished', trailers: [['x', utf8('1')]] });
  assert.is(sink.text, 'far');
  assert.is(seat.context.handles, 0);
});

exchange('rejects with what the guest throws, and closes the body', async () => {
  const seat = seatWith();
  const body = new PushSource();
  const thrown = Object.assign(new Error('err'), { payload: { tag: 'loop-detected' } });
  const incoming = { method: 'GET', scheme: 'http', authority: 'a', path: '/', headers: [], body };
  const reason = await handleRequest(
    seat.context,
    () => Promise.reject(thrown),
    incoming,
    () => new WindowSink(1),
  ).catch((error: unknown) => error);
  assert.is(reason, thrown);
  assert.is(body.closed, true);
});

exchange.run();

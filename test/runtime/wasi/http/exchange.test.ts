import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ResponseOutparam } from '../../../../runtime/wasi/http/exchange.ts';
import type { Fields } from '../../../../runtime/wasi/http/fields.ts';
import type { FutureTrailers, IncomingBody } from '../../../../runtime/wasi/http/incoming-body.ts';
import type { IncomingRequest } from '../../../../runtime/wasi/http/incoming-request.ts';
import type { OutgoingBody } from '../../../../runtime/wasi/http/outgoing-body.ts';
import type { OutgoingRequest } from '../../../../runtime/wasi/http/outgoing-request.ts';
import type { OutgoingResponse } from '../../../../runtime/wasi/http/outgoing-response.ts';
import {
  createWasi,
  type FieldEntry,
  GuestTrap,
  type HttpHead,
  type IncomingHttp,
  memorySource,
  StreamFailure,
} from '../../../../runtime/wasi/index.ts';
import { IoError } from '../../../../runtime/wasi/io/error.ts';
import { backend, PushSource, text, thrown, utf8, WindowSink } from '../backend.ts';

/** `wasi:http/types` as the glue sees it. */
interface HttpTypes {
  readonly Fields: { new (): Fields; fromList(entries: readonly FieldEntry[]): Fields };
  readonly OutgoingResponse: new (headers: Fields) => OutgoingResponse;
  readonly OutgoingRequest: new (headers: Fields) => OutgoingRequest;
  readonly OutgoingBody: { finish(body: OutgoingBody, trailers?: Fields): void };
  readonly IncomingBody: { finish(body: IncomingBody): FutureTrailers };
  readonly ResponseOutparam: { set(param: ResponseOutparam, response: { tag: string; val: unknown }): void };
}

const exchange = suite('http exchange');

const REQUEST = {
  method: 'POST',
  scheme: 'https',
  authority: 'cloudlet.test',
  path: '/a?b=c',
  headers: [['X-One', utf8('1')]],
} as const satisfies Partial<IncomingHttp>;

function open(request: Partial<IncomingHttp> = {}, window = 10) {
  const sink = new WindowSink(window);
  const wasi = createWasi(backend({ limits: { ...backend().limits, bodyWindowBytes: 8 } }));
  const http = wasi.imports['wasi:http/types'] as unknown as HttpTypes;
  const heads: HttpHead[] = [];
  const opened = wasi.incoming({ ...REQUEST, body: memorySource(utf8('body')), ...request }, (head) => {
    heads.push(head);
    return sink;
  });
  const response = (status = 200, headers: readonly FieldEntry[] = []) => {
    const made = new http.OutgoingResponse(http.Fields.fromList(headers));
    made.setStatusCode(status);
    return made;
  };
  const set = (val: OutgoingResponse) => http.ResponseOutparam.set(opened.outparam, { tag: 'ok', val });
  return { wasi, http, sink, heads, exchange: opened, response, set };
}

/** Writes all that fits and gives back the body's stream. */
function write(body: OutgoingBody, bytes: string) {
  const stream = body.write();
  stream.checkWrite();
  stream.write(utf8(bytes));
  return stream;
}

for (const status of [0, 100, 101, 199, 600, 999, 65535])
  exchange(`a status of ${status} is refused to the guest and changes nothing`, () => {
    const made = open().response(201);
    let refused = false;
    try {
      made.setStatusCode(status);
    } catch (error) {
      refused = error === undefined;
    }
    assert.equal([refused, made.statusCode()], [true, 201]);
  });

exchange('the guest sees the request', () => {
  const { request } = open().exchange;
  assert.equal(request.method(), { tag: 'post' });
  assert.equal(request.scheme(), { tag: 'HTTPS' });
  assert.equal([request.authority(), request.pathWithQuery()], ['cloudlet.test', '/a?b=c']);
  assert.equal(request.headers().get('x-one').map(text), ['1']);
  assert.is(text(request.consume().stream().read(10n)), 'body');
});

for (const [method, expected] of [
  ['GET', { tag: 'get' }],
  ['PATCH', { tag: 'patch' }],
  ['get', { tag: 'other', val: 'get' }],
  ['BREW', { tag: 'other', val: 'BREW' }],
  ['__proto__', { tag: 'other', val: '__proto__' }],
] as const) {
  exchange(`the method ${method} is ${JSON.stringify(expected)}`, () => {
    assert.equal(open({ method }).exchange.request.method(), expected);
  });
}

exchange('what the request does not have is not there', () => {
  const { request } = open({ scheme: null, authority: null, path: null }).exchange;
  assert.equal([request.scheme(), request.authority(), request.pathWithQuery()], [undefined, undefined, undefined]);
});

exchange('body and stream are given once', () => {
  const { request } = open().exchange;
  const body = request.consume();
  body.stream();
  assert.is(
    thrown(() => request.consume()),
    undefined,
  );
  assert.is(
    thrown(() => body.stream()),
    undefined,
  );
});

exchange('a request that is dropped unread closes its body; one whose body was taken does not', () => {
  const [unread, taken] = [new PushSource(), new PushSource()];
  open({ body: unread }).exchange.request[Symbol.dispose]();
  assert.ok(unread.closed);
  const { request } = open({ body: taken }).exchange;
  const body = request.consume();
  request[Symbol.dispose]();
  assert.not.ok(taken.closed);
  body[Symbol.dispose]();
  assert.ok(taken.closed);
});

exchange('closing the instance closes standard input and a body that nobody read', () => {
  const [stdin, body] = [new PushSource(), new PushSource()];
  const wasi = createWasi(backend({ stdin }));
  wasi.incoming({ ...REQUEST, body }, () => new WindowSink(1));
  wasi.close();
  assert.ok(stdin.closed && body.closed);
});

exchange('finishing the incoming body gives its trailers, once', async () => {
  const trailers = Promise.withResolvers<readonly FieldEntry[]>();
  const { http, exchange } = open({ trailers: () => trailers.promise });
  const body = exchange.request.consume();
  const stream = body.stream();
  assert.instance(
    thrown(() => http.IncomingBody.finish(body)),
    GuestTrap,
  );
  stream[Symbol.dispose]();
  const future = http.IncomingBody.finish(body);
  assert.is(future.get(), undefined);
  const ready = future.subscribe().block();
  trailers.resolve([['sum', utf8('7')]]);
  await ready;
  const got = future.get() as { val: { val: Fields } };
  assert.equal(got.val.val.get('sum').map(text), ['7']);
  assert.equal(future.get(), { tag: 'err', val: undefined });
});

exchange('a request without trailers says so at once', () => {
  const { http, exchange } = open();
  const future = http.IncomingBody.finish(exchange.request.consume());
  assert.ok(future.subscribe().ready());
  assert.equal(future.get(), { tag: 'ok', val: { tag: 'ok', val: undefined } });
});

exchange('a response with body and trailers arrives whole and leaves no resource', async () => {
  const { wasi, http, sink, heads, exchange, response, set } = open();
  const answer = response(201, [['X-Two', utf8('2')]]);
  const body = answer.body();
  set(answer);
  assert.equal([heads[0]!.status, heads[0]!.headers.map(([name]) => name)], [201, ['X-Two']]);
  write(body, '0123456789')[Symbol.dispose]();
  assert.not.ok(sink.closed);
  http.OutgoingBody.finish(body, http.Fields.fromList([['sum', utf8('9')]]));
  const end = await exchange.end;
  assert.equal(end.kind === 'finished' && end.trailers.map(([name, value]) => [name, text(value)]), [['sum', '9']]);
  assert.equal([sink.text, sink.closed], ['0123456789', true]);
  exchange.request[Symbol.dispose]();
  assert.is(wasi.handles, 0);
});

exchange('a response whose body was never asked for is empty and finished', async () => {
  const { sink, exchange, response, set } = open();
  set(response(204));
  assert.equal(await exchange.end, { kind: 'finished', trailers: [] });
  assert.equal([sink.text, sink.closed], ['', true]);
});

exchange(
  'what is written before the response is set is held within the window, then flows as the sink takes it',
  async () => {
    const { http, sink, exchange, response, set } = open({}, 3);
    const answer = response();
    const body = answer.body();
    const stream = body.write();
    assert.is(stream.checkWrite(), 8n);
    stream.write(utf8('01234567'));
    assert.is(stream.checkWrite(), 0n);
    const pollable = stream.subscribe();
    assert.not.ok(pollable.ready());
    set(answer);
    assert.is(sink.text, '012');
    await pollable.block();
    pollable[Symbol.dispose]();
    stream[Symbol.dispose]();
    http.OutgoingBody.finish(body);
    while (sink.text.length < 8) {
      assert.not.ok(sink.closed);
      sink.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await exchange.end).kind, 'finished');
    assert.equal([sink.text, sink.most, sink.closed], ['01234567', 3, true]);
  },
);

exchange('a flush before the response is set does not wait for it', () => {
  const { response } = open();
  assert.is(response().body().write().blockingWriteAndFlush(utf8('x')), undefined);
});

exchange('a body that is dropped unfinished is truncated', async () => {
  const { sink, exchange, response, set } = open();
  const answer = response();
  const body = answer.body();
  set(answer);
  write(body, 'half')[Symbol.dispose]();
  body[Symbol.dispose]();
  assert.is((await exchange.end).kind, 'truncated');
  assert.ok(sink.closed);
});

exchange('a body that is still open when the instance is closed is truncated', async () => {
  const { wasi, exchange, response, set } = open();
  const answer = response();
  answer.body();
  set(answer);
  wasi.close();
  assert.is((await exchange.end).kind, 'truncated');
});

exchange('body and stream must be given back in order', () => {
  const { http, response } = open();
  const body = response().body();
  const stream = body.write();
  assert.is(
    thrown(() => body.write()),
    undefined,
  );
  assert.instance(
    thrown(() => http.OutgoingBody.finish(body)),
    GuestTrap,
  );
  assert.instance(
    thrown(() => body[Symbol.dispose]()),
    GuestTrap,
  );
  stream[Symbol.dispose]();
  http.OutgoingBody.finish(body);
});

exchange('fewer bytes than content-length are an error for the guest and a truncated body', async () => {
  const { http, exchange, response, set } = open();
  const answer = response(200, [['content-length', utf8('5')]]);
  const body = answer.body();
  set(answer);
  write(body, 'four')[Symbol.dispose]();
  assert.equal(
    thrown(() => http.OutgoingBody.finish(body)),
    { tag: 'HTTP-response-body-size', val: 4n },
  );
  assert.is((await exchange.end).kind, 'truncated');
});

exchange('more bytes than content-length are refused before any of them leaves', async () => {
  const { http, sink, exchange, response, set } = open();
  const answer = response(200, [['content-length', utf8('5')]]);
  const body = answer.body();
  set(answer);
  const stream = write(body, '12345');
  stream.checkWrite();
  const error = thrown(() => stream.write(utf8('6'))) as { tag: string; val: IoError };
  assert.is(error.tag, 'last-operation-failed');
  assert.equal(IoError.httpErrorCode(error.val), { tag: 'HTTP-response-body-size', val: 6n });
  stream[Symbol.dispose]();
  assert.is((thrown(() => http.OutgoingBody.finish(body)) as { tag: string }).tag, 'HTTP-response-body-size');
  assert.is(sink.text, '12345');
  assert.is((await exchange.end).kind, 'truncated');
});

exchange('the answer to HEAD may declare a length that it does not send', async () => {
  const { http, exchange, response, set } = open({ method: 'HEAD' });
  const answer = response(200, [['content-length', utf8('500')]]);
  const body = answer.body();
  set(answer);
  http.OutgoingBody.finish(body);
  assert.is((await exchange.end).kind, 'finished');
});

for (const [what, values, code] of [
  ['contradicts itself', ['4', '5'], { tag: 'HTTP-protocol-error' }],
  ['is no number', ['four'], { tag: 'HTTP-protocol-error' }],
  ['announces a body that was never asked for', ['4'], { tag: 'HTTP-response-body-size', val: 0n }],
] as const) {
  exchange(`a content-length that ${what} is an error instead of a response`, async () => {
    const { heads, exchange, response, set } = open();
    set(
      response(
        200,
        values.map((value): FieldEntry => ['content-length', utf8(value)]),
      ),
    );
    assert.equal(await exchange.end, { kind: 'error', code });
    assert.is(heads.length, 0);
  });
}

exchange('a reader that leaves fails the guest’s writes and truncates the body', async () => {
  const { sink, exchange, response, set } = open();
  const answer = response();
  const body = answer.body();
  set(answer);
  const stream = body.write();
  stream.checkWrite();
  sink.failure = new StreamFailure('the caller left');
  assert.is((thrown(() => stream.write(utf8('x'))) as { tag: string }).tag, 'last-operation-failed');
  stream[Symbol.dispose]();
  body[Symbol.dispose]();
  assert.is((await exchange.end).kind, 'truncated');
});

exchange('a reader that left before the response was set truncates what was held', async () => {
  const { http, sink, exchange, response, set } = open();
  const answer = response();
  const body = answer.body();
  write(body, 'held')[Symbol.dispose]();
  sink.failure = new StreamFailure('the caller left');
  set(answer);
  assert.equal(await exchange.end, { kind: 'truncated', detail: 'the caller left' });
  http.OutgoingBody.finish(body);
});

exchange('a guest can answer with an error', async () => {
  const { http, exchange } = open();
  http.ResponseOutparam.set(exchange.outparam, { tag: 'err', val: { tag: 'internal-error', val: 'no' } });
  assert.ok(exchange.answered);
  assert.equal(await exchange.end, { kind: 'error', code: { tag: 'internal-error', val: 'no' } });
});

for (const [what, act] of [
  ['drops its outparam', ({ exchange }: ReturnType<typeof open>) => exchange.outparam[Symbol.dispose]()],
  ['ends without an answer', ({ wasi }: ReturnType<typeof open>) => wasi.close()],
] as const) {
  exchange(`a guest that ${what} leaves the request unanswered`, async () => {
    const opened = open();
    act(opened);
    assert.not.ok(opened.exchange.answered);
    assert.equal(await opened.exchange.end, { kind: 'unanswered' });
  });
}

exchange('only the first answer counts', async () => {
  const { heads, exchange, response, set } = open();
  set(response(200));
  set(response(500));
  assert.is((await exchange.end).kind, 'finished');
  assert.equal(
    heads.map((head) => head.status),
    [200],
  );
});

for (const status of [0, 99, 100, 101, 199, 1000, 65535]) {
  exchange(`${status} is no status of a response`, () => {
    assert.is(
      thrown(() => open().response(status)),
      undefined,
    );
  });
}

exchange('the headers of a response cannot be changed through it', () => {
  const answer = open().response(200, [['a', utf8('b')]]);
  assert.equal(
    thrown(() => answer.headers().append('c', utf8('d'))),
    { tag: 'immutable' },
  );
});

exchange('a forged response or outparam is a trap', () => {
  const { http, exchange } = open();
  const forged = Object.create(http.OutgoingResponse.prototype as object) as object;
  assert.instance(
    thrown(() => http.ResponseOutparam.set(exchange.outparam, { tag: 'ok', val: forged })),
    TypeError,
  );
  assert.not.ok(exchange.answered);
  const request = Object.create(Object.getPrototypeOf(exchange.request) as object) as IncomingRequest;
  assert.instance(
    thrown(() => request.consume()),
    TypeError,
  );
});

exchange('an outgoing request can be made, checks its parts, and is denied when it is sent', () => {
  const { wasi, http } = open();
  const before = wasi.handles;
  const request = new http.OutgoingRequest(new http.Fields());
  request.setMethod({ tag: 'other', val: 'BREW' });
  request.setScheme({ tag: 'HTTPS' });
  request.setAuthority('example.org:443');
  request.setPathWithQuery('/x?y');
  for (const act of [
    () => request.setMethod({ tag: 'other', val: 'A B' }),
    () => request.setScheme({ tag: 'other', val: '1:' }),
    () => request.setAuthority('a b'),
    () => request.setPathWithQuery('/a\r\nb'),
  ])
    assert.is(thrown(act), undefined);
  assert.equal([request.authority(), request.pathWithQuery()], ['example.org:443', '/x?y']);
  const handle = wasi.imports['wasi:http/outgoing-handler']!['handle'] as (request: OutgoingRequest) => never;
  assert.equal(
    thrown(() => handle(request)),
    { tag: 'HTTP-request-denied' },
  );
  assert.is(wasi.handles, before);
});

exchange.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Fields } from '../../../../runtime/wasi/http/fields.ts';
import type { FutureTrailers, IncomingBody } from '../../../../runtime/wasi/http/incoming-body.ts';
import type { FutureIncomingResponse, IncomingResponse } from '../../../../runtime/wasi/http/incoming-response.ts';
import type { OutgoingBody } from '../../../../runtime/wasi/http/outgoing-body.ts';
import type { OutgoingRequest } from '../../../../runtime/wasi/http/outgoing-request.ts';
import type { RequestOptions } from '../../../../runtime/wasi/http/request-options.ts';
import {
  createWasi,
  type FieldEntry,
  type HttpClientRequest,
  type HttpClientResponse,
  HttpFailure,
  StreamFailure,
} from '../../../../runtime/wasi/index.ts';
import { backend, PushSource, text, thrown, utf8, WindowSink } from '../backend.ts';

/** `wasi:http` as the glue sees it. */
interface Http {
  readonly Fields: { new (): Fields; fromList(entries: readonly FieldEntry[]): Fields };
  readonly OutgoingRequest: new (headers: Fields) => OutgoingRequest;
  readonly OutgoingBody: { finish(body: OutgoingBody, trailers?: Fields): void };
  readonly IncomingBody: { finish(body: IncomingBody): FutureTrailers };
  readonly RequestOptions: new () => RequestOptions;
}

const outgoing = suite('outgoing requests');

/** A guest whose client is the test. */
function open() {
  const sent: HttpClientRequest[] = [];
  const sink = new WindowSink(10);
  const response = Promise.withResolvers<HttpClientResponse>();
  const settled = Promise.withResolvers<void>();
  const seen = { finished: null as readonly FieldEntry[] | null, forgotten: 0 };
  const wasi = createWasi(
    backend({
      limits: { ...backend().limits, bodyWindowBytes: 8 },
      httpClient: {
        send(request) {
          sent.push(request);
          return {
            response: response.promise,
            body: sink,
            finish: (trailers) => {
              seen.finished = trailers;
            },
            forget: () => {
              seen.forgotten += 1;
            },
            settled: settled.promise,
          };
        },
      },
    }),
  );
  const http = wasi.imports['wasi:http/types'] as unknown as Http;
  const handle = wasi.imports['wasi:http/outgoing-handler']!['handle'] as (
    request: OutgoingRequest,
    options?: RequestOptions,
  ) => FutureIncomingResponse;
  const request = (headers: readonly FieldEntry[] = []) => {
    const made = new http.OutgoingRequest(http.Fields.fromList(headers));
    made.setAuthority('api.example');
    return made;
  };
  return { wasi, http, handle, request, sent, sink, response, settled, seen };
}

function answer(given: Partial<HttpClientResponse> = {}): HttpClientResponse & { readonly body: PushSource } {
  return { status: 200, headers: [], body: new PushSource(), trailers: async () => [], ...given } as ReturnType<
    typeof answer
  >;
}

/** Takes the response out of its future. */
function taken(future: FutureIncomingResponse): IncomingResponse {
  const outcome = future.get();
  assert.is(outcome?.tag, 'ok');
  assert.is(outcome?.val?.tag, 'ok');
  return outcome!.val!.val as IncomingResponse;
}

outgoing('a request is sent as the guest made it', () => {
  const { http, handle, request, sent } = open();
  const made = request([['X-One', utf8('1')]]);
  made.setMethod({ tag: 'other', val: 'PURGE' });
  made.setScheme({ tag: 'HTTP' });
  made.setPathWithQuery('/a?b');
  const options = new http.RequestOptions();
  options.setConnectTimeout(1n);
  options.setFirstByteTimeout(2_500_000n);
  handle(made, options);
  assert.equal(sent, [
    {
      method: 'PURGE',
      scheme: 'http',
      authority: 'api.example',
      path: '/a?b',
      headers: [['X-One', utf8('1')]],
      body: false,
      connectMs: 1,
      firstByteMs: 3,
      betweenBytesMs: null,
    },
  ]);
});

outgoing('what the guest leaves out is GET, HTTPS and the root', () => {
  const { handle, request, sent } = open();
  handle(request());
  assert.equal([sent[0]?.method, sent[0]?.scheme, sent[0]?.path], ['GET', 'https', '/']);
});

for (const [what, change, headers, code] of [
  ['no authority', (made: OutgoingRequest) => made.setAuthority(undefined), [], { tag: 'HTTP-request-URI-invalid' }],
  [
    'another scheme',
    (made: OutgoingRequest) => made.setScheme({ tag: 'other', val: 'ftp' }),
    [],
    { tag: 'HTTP-protocol-error' },
  ],
  [
    'two lengths',
    () => {},
    [
      ['content-length', utf8('1')],
      ['content-length', utf8('2')],
    ],
    { tag: 'HTTP-protocol-error' },
  ],
  ['a length without a body', () => {}, [['content-length', utf8('1')]], { tag: 'HTTP-request-body-size', val: 0n }],
] as const)
  outgoing(`a request with ${what} is not sent`, () => {
    const { handle, request, sent, wasi } = open();
    const made = request(headers as unknown as FieldEntry[]);
    change(made);
    assert.equal(
      thrown(() => handle(made)),
      code,
    );
    assert.equal([sent.length, wasi.handles], [0, 0]);
  });

outgoing('a guest without a client is denied, and its body takes no more', () => {
  const wasi = createWasi(backend());
  const http = wasi.imports['wasi:http/types'] as unknown as Http;
  const made = new http.OutgoingRequest(new http.Fields());
  const body = made.body();
  const stream = body.write();
  const handle = wasi.imports['wasi:http/outgoing-handler']!['handle'] as (request: OutgoingRequest) => unknown;
  assert.equal(
    thrown(() => handle(made)),
    { tag: 'HTTP-request-denied' },
  );
  assert.is((thrown(() => stream.checkWrite()) as { tag: string }).tag, 'last-operation-failed');
});

outgoing('the response comes once, and every resource comes back', async () => {
  const { handle, request, response, wasi, http, seen, settled } = open();
  const future = handle(request());
  const pollable = future.subscribe();
  assert.is(future.get(), undefined);
  assert.not.ok(pollable.ready());
  const given = answer({
    status: 404,
    headers: [
      ['A', utf8('1')],
      ['Connection', utf8('x')],
    ],
    trailers: async () => [['T', utf8('2')]],
  });
  response.resolve(given);
  await pollable.block();
  const got = taken(future);
  assert.equal(future.get(), { tag: 'err', val: undefined });
  assert.equal([got.status(), got.headers().entries()], [404, [['A', utf8('1')]]]);
  const body = got.consume();
  assert.is(
    thrown(() => got.consume()),
    undefined,
  );
  const stream = body.stream();
  given.body.push('hello');
  given.body.push(null);
  assert.is(text(stream.read(9n)), 'hello');
  assert.equal(
    thrown(() => stream.read(9n)),
    { tag: 'closed' },
  );
  stream[Symbol.dispose]();
  const trailers = http.IncomingBody.finish(body);
  const trailersCame = trailers.subscribe();
  await trailersCame.block();
  const outcome = trailers.get() as { val: { val: Fields } };
  assert.equal(outcome.val.val.entries(), [['T', utf8('2')]]);
  for (const each of [pollable, trailersCame, trailers, outcome.val.val, got, future]) each[Symbol.dispose]();
  // The fields of `headers()`, which this test never dropped.
  assert.is(wasi.handles, 1);
  settled.resolve();
  await settled.promise;
  wasi.close();
  assert.is(seen.forgotten, 0);
});

outgoing('a failure is told by its code', async () => {
  const { handle, request, response } = open();
  const future = handle(request());
  response.reject(new HttpFailure({ tag: 'DNS-error', val: { rcode: 'NXDOMAIN' } }));
  await future.subscribe().block();
  assert.equal(future.get(), { tag: 'ok', val: { tag: 'err', val: { tag: 'DNS-error', val: { rcode: 'NXDOMAIN' } } } });
  assert.equal(future.get(), { tag: 'err', val: undefined });
});

outgoing('the body flows before and after the request is sent, within its window, and ends with trailers', () => {
  const { http, handle, request, sink, seen, sent } = open();
  const made = request();
  const body = made.body();
  const stream = body.write();
  assert.is(stream.checkWrite(), 8n);
  stream.write(utf8('12345678'));
  assert.is(stream.checkWrite(), 0n);
  handle(made);
  assert.equal([sent[0]?.body, sink.text, stream.checkWrite()], [true, '12345678', 2n]);
  stream.write(utf8('9a'));
  assert.is(stream.checkWrite(), 0n);
  sink.drain();
  assert.is(stream.checkWrite(), 10n);
  stream[Symbol.dispose]();
  assert.is(seen.finished, null);
  http.OutgoingBody.finish(body, http.Fields.fromList([['X-Sum', utf8('1')]]));
  assert.equal([seen.finished, seen.forgotten, sink.text], [[['X-Sum', utf8('1')]], 0, '123456789a']);
});

outgoing('a body that the guest drops ends the request', () => {
  const { handle, request, seen } = open();
  const made = request();
  const body = made.body();
  handle(made);
  body[Symbol.dispose]();
  assert.equal([seen.finished, seen.forgotten], [null, 1]);
});

outgoing('a body of another length than declared ends the request', () => {
  const { http, handle, request, seen } = open();
  const made = request([['Content-Length', utf8('3')]]);
  const body = made.body();
  handle(made);
  const stream = body.write();
  stream.checkWrite();
  stream.write(utf8('ab'));
  stream[Symbol.dispose]();
  assert.equal(
    thrown(() => http.OutgoingBody.finish(body)),
    { tag: 'HTTP-request-body-size', val: 2n },
  );
  assert.equal([seen.finished, seen.forgotten], [null, 1]);
});

outgoing('a server that takes no more of the body may still have answered', async () => {
  const { handle, request, sink, seen, response } = open();
  const made = request();
  const body = made.body();
  const future = handle(made);
  const stream = body.write();
  sink.failure = new StreamFailure('no more');
  assert.is((thrown(() => stream.checkWrite()) as { tag: string }).tag, 'last-operation-failed');
  stream[Symbol.dispose]();
  body[Symbol.dispose]();
  assert.is(seen.forgotten, 0);
  response.resolve(answer({ status: 413 }));
  await future.subscribe().block();
  assert.is(taken(future).status(), 413);
});

outgoing('what the guest drops is forgotten, what it took is not', async () => {
  const dropped = open();
  dropped.handle(dropped.request())[Symbol.dispose]();
  assert.is(dropped.seen.forgotten, 1);
  const kept = open();
  const future = kept.handle(kept.request());
  const given = answer();
  kept.response.resolve(given);
  await future.subscribe().block();
  const response = taken(future);
  future[Symbol.dispose]();
  assert.equal([kept.seen.forgotten, given.body.closed], [0, false]);
  response[Symbol.dispose]();
  assert.ok(given.body.closed);
});

outgoing('the end of the invocation forgets what is under way', () => {
  const { handle, request, seen, wasi } = open();
  handle(request());
  handle(request());
  wasi.close();
  assert.is(seen.forgotten, 2);
});

outgoing('an error within the body is told by its code', async () => {
  const { handle, request, response, wasi } = open();
  const future = handle(request());
  const given = answer();
  response.resolve(given);
  await future.subscribe().block();
  const stream = taken(future).consume().stream();
  given.body.push(new StreamFailure('it broke', { http: { tag: 'HTTP-response-incomplete' } }));
  const error = thrown(() => stream.read(1n)) as { tag: string; val: unknown };
  assert.is(error.tag, 'last-operation-failed');
  const codeOf = wasi.imports['wasi:http/types']!['httpErrorCode'] as (error: unknown) => unknown;
  assert.equal(codeOf(error.val), { tag: 'HTTP-response-incomplete' });
});

outgoing.run();

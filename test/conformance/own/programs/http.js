// wasi:http without the network: what comes in, what goes out, fields, and requests that are made but not sent.
import typesModule from 'wasi:http/types@0.2.12';
import errorModule from 'wasi:io/error@0.2.12';
import pollModule from 'wasi:io/poll@0.2.12';
import streamsModule from 'wasi:io/streams@0.2.12';
import { called, equal, fails, ok, text, utf8, watched } from './check.js';

const { Fields, IncomingBody, OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam } =
  watched('wasi:http/types', typesModule);
watched('wasi:io/error', errorModule);
watched('wasi:io/poll', pollModule);
watched('wasi:io/streams', streamsModule);

const values = (list) => list.map(text);

function fields() {
  const made = new Fields();
  made.append('X-One', utf8('a'));
  made.append('x-one', utf8('b'));
  equal(values(made.get('x-ONE')), ['a', 'b'], 'names are of no case');
  ok(made.has('X-one') && !made.has('x-two'), 'what is there');
  made.set('x-one', [utf8('c')]);
  equal(
    made.entries().map(([name, value]) => [name.toLowerCase(), text(value)]),
    [['x-one', 'c']],
    'what was set',
  );
  const copy = made.clone();
  copy.delete('x-one');
  equal([made.has('x-one'), copy.has('x-one')], [true, false], 'a copy is one');
  equal(copy.get('x-one'), [], 'none');
  fails('invalid-syntax', () => made.append('no name', utf8('a')));
  fails('invalid-syntax', () => made.set('x-one', [utf8('a\nb')]));
  fails('invalid-syntax', () => Fields.fromList([['', utf8('a')]]));
  fails('forbidden', () => made.append('transfer-encoding', utf8('chunked')));
}

function outgoingRequests() {
  const request = new OutgoingRequest(Fields.fromList([['x-one', utf8('a')]]));
  equal(request.method(), { tag: 'get' }, 'the first method');
  request.setMethod({ tag: 'other', val: 'PURGE' });
  equal(request.method(), { tag: 'other', val: 'PURGE' }, 'another method');
  fails(undefined, () => request.setMethod({ tag: 'other', val: 'no method' }));
  request.setPathWithQuery('/a?b=c');
  equal(request.pathWithQuery(), '/a?b=c', 'the path');
  fails(undefined, () => request.setPathWithQuery('a path'));
  request.setScheme({ tag: 'HTTPS' });
  equal(request.scheme(), { tag: 'HTTPS' }, 'the scheme');
  request.setAuthority('example.org:8443');
  equal(request.authority(), 'example.org:8443', 'the authority');
  fails(undefined, () => request.setAuthority('exa mple'));
  const headers = request.headers();
  equal(values(headers.get('x-one')), ['a'], 'its fields');
  fails('immutable', () => headers.append('x-two', utf8('b')));
  fails('immutable', () => headers.set('x-two', []));
  fails('immutable', () => headers.delete('x-one'));
  const body = request.body();
  fails(undefined, () => request.body());
  body.write().blockingWriteAndFlush(utf8('not sent'));
}

function options() {
  const made = new RequestOptions();
  equal(made.connectTimeout() ?? null, null, 'no limit');
  made.setConnectTimeout(1);
  made.setFirstByteTimeout(2);
  made.setBetweenBytesTimeout(3);
  equal([made.connectTimeout(), made.firstByteTimeout(), made.betweenBytesTimeout()], [1, 2, 3], 'limits');
}

/** An answer that is made and not given. */
function drafts() {
  const response = new OutgoingResponse(Fields.fromList([['x-one', utf8('a')]]));
  equal(response.statusCode(), 200, 'the first status');
  response.setStatusCode(404);
  equal(response.statusCode(), 404, 'another status');
  fails(undefined, () => response.setStatusCode(1));
  const headers = response.headers();
  equal(values(headers.get('x-one')), ['a'], 'its fields');
  fails('immutable', () => headers.append('x-two', utf8('b')));
  const body = response.body();
  fails(undefined, () => response.body());
  const stream = body.write();
  fails(undefined, () => body.write());
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, null);
}

/** Looks at a request and gives its body. */
function incoming(request) {
  const echo = request.pathWithQuery() === '/echo?q=1';
  equal(request.method(), { tag: echo ? 'post' : 'get' }, 'the method');
  equal(request.scheme(), { tag: 'HTTP' }, 'the scheme');
  ok(/^(localhost|127\.0\.0\.1):\d+$/.test(request.authority()), 'the authority');
  const headers = request.headers();
  if (echo) equal(values(headers.get('x-in')), ['yes'], 'a field');
  fails('immutable', () => headers.append('x-two', utf8('b')));
  const body = request.consume();
  fails(undefined, () => request.consume());
  const stream = body.stream();
  fails(undefined, () => body.stream());
  let read = '';
  try {
    for (;;) read += text(stream.blockingRead(100));
  } catch (error) {
    const payload = error?.payload ?? error;
    equal(payload?.tag ?? payload, 'closed', 'the end of the body');
  }
  stream[Symbol.dispose]();
  const trailers = IncomingBody.finish(body);
  trailers.subscribe().block();
  equal(trailers.get(), { tag: 'ok', val: { tag: 'ok', val: null } }, 'no trailers');
  equal(trailers.get()?.tag, 'err', 'and only once');
  return read;
}

export const incomingHandler = {
  handle(request, out) {
    let failed = '';
    let read = '';
    try {
      for (const part of [fields, outgoingRequests, options, drafts]) part();
      read = incoming(request);
    } catch (error) {
      failed = `${error?.message ?? error}`.replaceAll(/[^\x20-\x7e]/g, ' ');
    }
    const response = new OutgoingResponse(
      Fields.fromList([
        ['x-out', utf8('yes')],
        ['x-failed', utf8(failed)],
        // The answer itself shows that it was set.
        ['x-called', utf8(`${called().trim().replaceAll('\n', ', ')}, called wasi:http/types ResponseOutparam.set`)],
      ]),
    );
    response.setStatusCode(201);
    const body = response.body();
    const stream = body.write();
    ResponseOutparam.set(out, { tag: 'ok', val: response });
    stream.blockingWriteAndFlush(utf8(read));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, null);
  },
};

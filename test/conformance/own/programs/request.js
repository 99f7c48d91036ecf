// wasi:http outwards: requests to the servers of the test, to one that is not there, and to hosts that were not granted.
import environmentModule from 'wasi:cli/environment@0.2.12';
import stderrModule from 'wasi:cli/stderr@0.2.12';
import stdoutModule from 'wasi:cli/stdout@0.2.12';
import handlerModule from 'wasi:http/outgoing-handler@0.2.12';
import typesModule from 'wasi:http/types@0.2.12';
import { equal, fails, report, text, utf8, watched } from './check.js';

const { getStdout } = stdoutModule;
const { getStderr } = stderrModule;
const { handle } = watched('wasi:http/outgoing-handler', handlerModule);
const { Fields, IncomingBody, OutgoingBody, OutgoingRequest, RequestOptions } = watched('wasi:http/types', typesModule);

const environment = () => Object.fromEntries(environmentModule.getEnvironment());

/** Sends a request; gives the future of its answer. */
function send(authority, method, path, sent = null) {
  const request = new OutgoingRequest(new Fields());
  request.setMethod({ tag: method });
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  const body = request.body();
  const future = handle(request, new RequestOptions());
  if (sent !== null) {
    const stream = body.write();
    stream.blockingWriteAndFlush(utf8(sent));
    stream[Symbol.dispose]();
  }
  OutgoingBody.finish(body, null);
  return future;
}

/** What a future comes to: `{ tag: 'ok', val: response }`, or an error. */
function outcome(future) {
  future.subscribe().block();
  const got = future.get();
  equal(got.tag, 'ok', 'the first answer of a future');
  equal(future.get()?.tag, 'err', 'the second');
  return got.val;
}

function bodyOf(response) {
  const body = response.consume();
  fails(undefined, () => response.consume());
  const stream = body.stream();
  let read = '';
  try {
    for (;;) read += text(stream.blockingRead(100));
  } catch (error) {
    equal(error.payload?.tag ?? error.payload, 'closed', 'the end of a body');
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(body);
  return read;
}

const parts = {
  answers() {
    const { tag, val: response } = outcome(send(environment().HTTP_SERVER_MAIN, 'get', '/tea'));
    equal([tag, response.status()], ['ok', 418], 'the status');
    equal(response.headers().get('X-Kind').map(text), ['green'], 'a field');
    fails('immutable', () => response.headers().append('x-kind', utf8('black')));
    equal(bodyOf(response), 'tea', 'the body');
  },
  bodies() {
    const { val: response } = outcome(send(environment().HTTP_SERVER_MAIN, 'post', '/echo', 'there and back'));
    equal(bodyOf(response), 'there and back', 'what was sent');
  },
  errors() {
    const refused = outcome(send(environment().HTTP_SERVER_DEAD, 'get', '/'));
    equal([refused.tag, refused.val.tag], ['err', 'connection-refused'], 'nobody there');
    for (const authority of ['example.org', '169.254.169.254', 'localhost:1']) {
      let code;
      try {
        const denied = outcome(send(authority, 'get', '/'));
        code = denied.tag === 'err' ? denied.val.tag : `status ${denied.val.status()}`;
      } catch (error) {
        code = error.payload?.tag ?? String(error);
      }
      equal(code, 'HTTP-request-denied', authority);
    }
  },
};

export const run = {
  run() {
    if (!report(parts, { getStdout, getStderr })) throw new Error('a part failed');
  },
};

// What a test wants to see of a request, over raw wasi:http. Paths: /echo, /request, /status, /count, /stall, /throw, /spin, /log, /drip.
import http from 'wasi:http/types@0.2.12';

const { Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam } = http;

/** What one blocking write may carry, by the rules of wasi:io. */
const MAX_WRITE_BYTES = 4096;
const MAX_READ_BYTES = 64 * 1024;

/** The engine has no TextEncoder. */
function utf8(string) {
  return Uint8Array.from(unescape(encodeURIComponent(string)), (char) => char.charCodeAt(0));
}

function text(bytes) {
  return decodeURIComponent(escape(String.fromCharCode(...bytes)));
}

let calls = 0;

function begin(out, status, headers) {
  const response = new OutgoingResponse(Fields.fromList(headers.map(([name, value]) => [name, utf8(value)])));
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  return { body, stream: body.write() };
}

function write({ stream }, bytes) {
  for (let at = 0; at < bytes.length; at += MAX_WRITE_BYTES) {
    stream.blockingWriteAndFlush(bytes.subarray(at, at + MAX_WRITE_BYTES));
  }
}

function finish({ body, stream }) {
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, null);
}

function reply(out, status, text, type = 'text/plain') {
  const answer = begin(out, status, [['content-type', type]]);
  write(answer, utf8(text));
  finish(answer);
}

/** Calls `take` with each chunk of the request's body. */
function read(request, take) {
  const body = request.consume();
  const stream = body.stream();
  for (;;) {
    let chunk;
    try {
      chunk = stream.blockingRead(MAX_READ_BYTES);
    } catch (error) {
      const reason = error?.payload ?? error;
      if (reason === 'closed' || reason?.tag === 'closed') break;
      throw error;
    }
    take(chunk instanceof Uint8Array ? chunk : new Uint8Array(chunk));
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(body);
}

function methodOf(request) {
  const method = request.method();
  return method.tag === 'other' ? method.val : method.tag.toUpperCase();
}

/** The request's facts as JSON; `bytes` counts its body. */
function describe(request) {
  const scheme = request.scheme();
  const headers = request.headers();
  const facts = {
    method: methodOf(request),
    path: request.pathWithQuery() ?? null,
    scheme: scheme?.tag ?? null,
    authority: request.authority() ?? null,
    headers: headers.entries().map(([name, value]) => [name, text(value)]),
    bytes: 0,
  };
  headers[Symbol.dispose]();
  read(request, (chunk) => {
    facts.bytes += chunk.length;
  });
  return JSON.stringify(facts);
}

export const incomingHandler = {
  handle(request, out) {
    calls++;
    const [path, query = ''] = (request.pathWithQuery() ?? '/').split('?');
    switch (path.slice(path.lastIndexOf('/'))) {
      case '/echo': {
        const answer = begin(out, 200, [['content-type', 'application/octet-stream']]);
        read(request, (chunk) => write(answer, chunk));
        return finish(answer);
      }
      case '/request':
        return reply(out, 200, describe(request), 'application/json');
      case '/status':
        return reply(out, Number(query), `status ${query}\n`);
      case '/count':
        return reply(out, 200, String(calls));
      case '/headers': {
        const answer = begin(out, 200, [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x-test', 'yes'],
          ['__proto__', 'kept'],
          ['constructor', 'kept'],
        ]);
        return finish(answer);
      }
      case '/drip': {
        // One byte, flushed, before the body is read: a caller that streams both ways sees it at once.
        const answer = begin(out, 200, [['content-type', 'application/octet-stream']]);
        write(answer, utf8('!'));
        read(request, (chunk) => write(answer, chunk));
        return finish(answer);
      }
      case '/stall':
        return read(request, () => {});
      case '/log':
        console.error(`logged ${query}`);
        return reply(out, 200, 'logged\n');
      case '/throw':
        throw new Error('thrown by the function');
      case '/spin':
        for (;;) {}
      default:
        return reply(out, 404, 'not found\n');
    }
  },
};

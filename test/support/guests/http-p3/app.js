import types from 'wasi:http/types@0.3.0';

const { Fields, Response } = types;
let requests = 0;

const utf8 = (text) => Uint8Array.from([...text].map((letter) => letter.charCodeAt(0)));

/** A response whose body `write` writes while it is sent, with trailers. */
function answer(status, headers, write, trailers = []) {
  const body = wit.Stream(wit.Stream.U8);
  const end = wit.Future(wit.Future.RESULT_OPTION_OTHER_ERROR_CODE);
  const [response] = Response.new(
    Fields.fromList(headers.map(([name, value]) => [name, utf8(value)])),
    body.readable,
    end.readable,
  );
  response.setStatusCode(status);
  (async () => {
    await write(body.writable);
    body.writable.drop();
    const fields =
      trailers.length === 0 ? undefined : Fields.fromList(trailers.map(([name, value]) => [name, utf8(value)]));
    await end.writable.write({ tag: 'ok', val: fields });
  })();
  return response;
}

const text = (status, content, headers = [['content-type', 'text/plain']]) =>
  answer(status, headers, (writer) => writer.writeAll(utf8(content)));

/** The stream of a request's body. */
function bodyOf(request) {
  const done = wit.Future(wit.Future.RESULT_VOID_ERROR_CODE);
  const [stream] = types.Request.consumeBody(request, done.readable);
  return stream;
}

export const handler = {
  async handle(request) {
    requests += 1;
    const path = request.getPathWithQuery() ?? '/';
    if (path === '/hello') return text(200, 'hello\n');
    if (path === '/count') return text(200, String(requests));
    if (path === '/trailers') {
      return answer(200, [], (writer) => writer.writeAll(utf8('body')), [['x-sum', '4']]);
    }
    if (path === '/short') return text(200, 'four', [['content-length', '5']]);
    if (path === '/error') throw { tag: 'configuration-error' };
    if (path === '/trap') throw new Error('a defect of the guest');
    if (path === '/spin') for (;;);
    if (path === '/echo') {
      const stream = bodyOf(request);
      return answer(200, [], async (writer) => {
        for await (const chunk of stream) await writer.writeAll(chunk);
      });
    }
    if (path === '/headers') {
      const lines = request
        .getHeaders()
        .copyAll()
        .map(([name, value]) => `${name}=${String.fromCharCode(...value)}`);
      return text(200, lines.join('\n'));
    }
    return text(404, `nothing at ${path}`);
  },
};

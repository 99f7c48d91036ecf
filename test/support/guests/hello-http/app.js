// The shortest wasi:http function, without any library.
import http from 'wasi:http/types@0.2.12';

const { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } = http;

/** The engine has no TextEncoder. */
function utf8(string) {
  return Uint8Array.from(unescape(encodeURIComponent(string)), (char) => char.charCodeAt(0));
}

export const incomingHandler = {
  handle(_request, out) {
    const type = utf8('text/plain');
    const response = new OutgoingResponse(Fields.fromList([['content-type', type]]));
    const body = response.body();
    ResponseOutparam.set(out, { tag: 'ok', val: response });
    const stream = body.write();
    stream.blockingWriteAndFlush(utf8('hello\n'));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, null);
  },
};

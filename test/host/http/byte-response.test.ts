import { IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteResponse } from '../../../host/http/byte-response.ts';
import { listen } from '../../../host/listener.ts';

const head = suite('the head of a streamed answer');

/** What comes of a request, in latin1: the head, which must come before `goOn` is called, and what follows up to `until`. */
async function sent(request: string, answer: () => Response, until: string, goOn: () => void = () => {}) {
  const listener = await listen('127.0.0.1', 0, answer);
  try {
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(`${request}\r\nHost: localhost\r\n\r\n`);
    let all = '';
    const upTo = (end: string) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const at = all.indexOf(end);
          if (at === -1) return;
          const got = all.slice(0, at + end.length);
          all = all.slice(got.length);
          resolve(got);
        };
        socket.on('data', (data) => {
          all += data.toString('latin1');
          look();
        });
        socket.on('error', reject).on('close', () => reject(new Error(`closed, with ${all} left`)));
        look();
      });
    const head = await upTo('\r\n\r\n');
    goOn();
    const body = until === '' ? '' : await upTo(until);
    socket.destroy();
    return { head, body };
  } finally {
    await listener.close(0);
  }
}

const NAME = 'caf\u00e9 \u00ff\u0080';
const headers = { 'content-type': 'text/plain', 'x-name': NAME };

/** An answer whose body comes when it is told to. */
function later() {
  const told = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async pull(controller) {
      await told.promise;
      controller.enqueue(Buffer.from('gr\u00fc\u00df'));
      controller.close();
    },
  });
  return { answer: () => new Response(body, { headers }), goOn: () => told.resolve() };
}

const BODY = Buffer.from('gr\u00fc\u00df').toString('latin1');

for (const [what, extra] of [
  ['a request', ''],
  ['one that would be a WebSocket', '\r\nConnection: upgrade\r\nUpgrade: websocket'],
] as const) {
  head(`leaves before the body, with the bytes that its fields have: ${what}`, async () => {
    const { answer, goOn } = later();
    const got = await sent(`GET / HTTP/1.1${extra}`, answer, '0\r\n\r\n', goOn);
    assert.match(got.head, `x-name: ${NAME}\r\n`);
    assert.is(got.body, `6\r\n${BODY}\r\n0\r\n\r\n`);
  });
}

head('leaves before the body of an HTTP/1.0 answer, which has no chunks', async () => {
  const { answer, goOn } = later();
  const got = await sent('GET / HTTP/1.0', answer, BODY, goOn);
  assert.match(got.head, `x-name: ${NAME}\r\n`);
  assert.is(got.body, BODY);
});

for (const [what, method, status] of [
  ['HEAD', 'HEAD', 200],
  ['no content', 'GET', 204],
  ['nothing new', 'GET', 304],
] as const) {
  head(`comes where there is no body: ${what}`, async () => {
    const got = await sent(`${method} / HTTP/1.1`, () => new Response(null, { status, headers }), '');
    assert.match(got.head, `x-name: ${NAME}\r\n`);
    assert.match(got.head, new RegExp(`^HTTP/1.1 ${status} `));
  });
}

head('is not sent after the end, where it would fail', async () => {
  const errors: Error[] = [];
  const outgoing = new ByteResponse(new IncomingMessage(new Socket()));
  outgoing.on('error', (error) => errors.push(error));
  outgoing.end('all');
  outgoing.flushHeaders();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(errors, []);
});

head.run();

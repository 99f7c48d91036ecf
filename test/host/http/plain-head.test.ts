import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plainHead } from '../../../host/http/plain-head.ts';
import { SeededRandom } from '../../support/random.ts';

const heads = suite('the head of a plain request');

const FIELDS = 'Host: localhost:8080\r\nAuthorization: Bearer abc\r\n';
const plain = (fields = '', line = 'GET /f/hello/a?b=1 HTTP/1.1') => `${line}\r\n${FIELDS}${fields}\r\n`;

/** What Node's server makes of these bytes; null when they are no request to it. */
function readByNode(text: string): Promise<IncomingMessage | null> {
  return new Promise((resolve) => {
    const server = createServer({ requireHostHeader: false });
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    server.on('request', resolve);
    server.on('checkExpectation', resolve);
    server.on('clientError', () => resolve(null));
    server.emit('connection', socket);
    socket.push(Buffer.from(text, 'latin1'));
    setImmediate(() => setImmediate(() => resolve(null)));
  });
}

const PLAIN: readonly (readonly [what: string, text: string, bodyBytes?: number])[] = [
  ['a usual one', plain('Accept: */*\r\nX-A: 1\r\nx-a: 2\r\n')],
  ['one that says that the connection is kept', plain('Connection: Keep-Alive\r\n')],
  ['one with a body', plain('Content-Length: 5\r\n', 'POST /f/hello HTTP/1.1'), 5],
  ['one with latin letters', plain('X-Name: Ren\u00e9 \t B\r\n')],
  ['one with many fields', plain('a: b\r\n'.repeat(200))],
];
for (const [what, text, bodyBytes = 0] of PLAIN) {
  heads(`${what} is read as by Node`, async () => {
    const head = plainHead(text);
    const node = await readByNode(text);
    assert.equal([head?.method, head?.target, head?.rawHeaders], [node!.method, node!.url, node!.rawHeaders]);
    assert.equal([head!.bodyBytes, head!.authority, head!.authorization], [bodyBytes, 'localhost:8080', 'Bearer abc']);
    assert.is(head!.text, text);
  });
}

const UNUSUAL: readonly (readonly [what: string, text: string])[] = [
  ['another address', plain('', 'GET /v1/status HTTP/1.1')],
  ['another method', plain('', 'HEAD /f/hello HTTP/1.1')],
  ['HTTP/1.0', plain('', 'GET /f/hello HTTP/1.0')],
  ['two spaces', plain('', 'GET  /f/hello HTTP/1.1')],
  ['a whole address', plain('', 'GET http://localhost:8080/f/hello HTTP/1.1')],
  ['an end of the connection', plain('Connection: close\r\n')],
  ['an upgrade', plain('Connection: upgrade\r\nUpgrade: websocket\r\n')],
  ['a body in chunks', plain('Transfer-Encoding: chunked\r\n')],
  ['a length and chunks', plain('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
  ['an expectation', plain('Expect: 100-continue\r\n')],
  ['trailers', plain('TE: trailers\r\n')],
  ['two lengths', plain('Content-Length: 5\r\nContent-Length: 5\r\n')],
  ['a length that is none', plain('Content-Length: 5, 5\r\n')],
  ['a length with a sign', plain('Content-Length: +5\r\n')],
  ['a long body', plain('Content-Length: 16385\r\n')],
  ['two names', plain('Host: localhost:8080\r\n')],
  ['no name', 'GET /f/hello HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n'],
  ['nobody', 'GET /f/hello HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a page', plain('Origin: http://localhost:8080\r\n')],
  ['another site', plain('Sec-Fetch-Site: cross-site\r\n')],
  ['a service worker', plain('Service-Worker: script\r\n')],
  ['a field over two lines', plain('X-A: 1\r\n 2\r\n')],
  ['a field without a name', plain(': 1\r\n')],
  ['a space before the colon', plain('X-A : 1\r\n')],
  ['a field without a value', plain('X-A:\r\n')],
  ['a space behind the value', plain('X-A: 1 \r\n')],
  ['a line that ends too early', plain('X-A: 1\nContent-Length: 5\r\n')],
  ['a return in a value', plain('X-A: 1\rContent-Length: 5\r\n')],
  ['a zero in a value', plain('X-A: 1\0\r\n')],
  ['two empty lines', `${plain()}\r\n`],
  ['no end', plain().slice(0, -2)],
  ['nothing', ''],
];
for (const [what, text] of UNUSUAL) heads(`${what} is left to Node`, () => assert.is(plainHead(text), null));

heads('whatever is taken, Node reads the same in it', async () => {
  const random = new SeededRandom(20261127);
  let taken = 0;
  for (let round = 0; round < 3000; round++) {
    const [, seed] = random.pick(PLAIN.slice(0, 4));
    const text = Buffer.from(random.mutate(Buffer.from(seed, 'latin1'))).toString('latin1');
    const head = plainHead(text);
    if (head === null) continue;
    taken += 1;
    const node = await readByNode(text);
    assert.ok(node !== null, `round ${round}: Node refuses ${JSON.stringify(text)}`);
    assert.equal([head.method, head.target, head.rawHeaders], [node.method, node.url, node.rawHeaders]);
    assert.is(Number(node.headers['content-length'] ?? 0), head.bodyBytes);
    assert.is(text.indexOf('\r\n\r\n') + 4, text.length);
  }
  assert.ok(taken > 100, `${taken} taken`);
});

heads.run();

import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem } from '../../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../../host/listener.ts';
import { chunks, collect, type MemoryEngine, TOKEN, testHost } from '../memory-engine.ts';

const odd = suite<{ engine: MemoryEngine; listener: Listener }>('requests that are HTTP and unusual');

odd.before((context) => {
  // What a guest reads is what it answers, all at its end, or at /early as it comes.
  const { app, engine } = testHost();
  engine.guest = async (request, input) => {
    const isEarly = request.door === 'http' && request.path === '/early';
    const output = isEarly ? input : chunks(await collect(input));
    return { head: { status: 200, headers: [] }, output };
  };
  context.engine = engine;
  return listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection)).then((listener) => {
    context.listener = listener;
  });
});
odd.after(({ listener }) => listener.close(0));

const HEAD = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const ECHO = `POST /f/hello HTTP/1.1\r\n${HEAD}`;

/** Sends text, then more when the first answer has come, and gives all that came until the other side closed. */
function exchange({ listener }: { listener: Listener }, text: string, more?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(text));
    const got: Buffer[] = [];
    socket.on('data', (data) => {
      if (got.push(data) === 1 && more !== undefined) socket.write(more);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(Buffer.concat(got).toString('latin1')));
  });
}

const problemIn = (answer: string) => JSON.parse(answer.slice(answer.indexOf('{'))) as Problem;

odd('who asks for leave to send a body gets it when the body is read', async (context) => {
  const asks = `${ECHO}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
  const answer = await exchange(context, asks, 'a bod');
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*a bod/);
});

odd('who has the head of an answer gets no leave behind it', async (context) => {
  const asks = `POST /f/hello/early HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
  const answer = await exchange(context, asks, 'a bod');
  assert.match(answer, /^HTTP\/1\.1 200 OK[\s\S]*\r\nConnection: close\r\n[\s\S]*a bod/);
  assert.not.match(answer, /100 Continue/);
});

odd('who sends the body without waiting for leave is answered all the same', async (context) => {
  const asks = `${ECHO}Connection: close\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\na bod`;
  assert.match(await exchange(context, asks), /HTTP\/1\.1 200 OK[\s\S]*a bod/);
});

for (const [what, request, status] of [
  ['has no session', 'PUT /v1/functions/photo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100', 401],
  ['announces too much', `PUT /v1/functions/photo HTTP/1.1\r\n${HEAD}Content-Length: 100000000`, 413],
  ['asks for nothing that is there', `POST /v1/nothing HTTP/1.1\r\n${HEAD}Content-Length: 100`, 404],
] as const) {
  odd(
    `who asks for leave and ${what} is told ${status} before the first byte, and the connection ends`,
    async (context) => {
      const type = 'Content-Type: application/wasm\r\nExpect: 100-continue';
      const answer = await exchange(context, `${request}\r\n${type}\r\n\r\n`);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\\r\\nconnection: close\\r\\n`, 'i'));
      assert.not.ok(context.engine.bodies.has('photo'));
    },
  );
}

const CLOSE = 'Connection: close\r\n';
for (const [what, text, status, code, detail] of [
  ['CONNECT', `CONNECT example.org:80 HTTP/1.1\r\n${HEAD}\r\n`, 405, 'method-not-allowed', /it is no proxy/],
  ['another expectation', `${ECHO}Expect: tea\r\nContent-Length: 1\r\n\r\na`, 400, 'request-invalid', /"tea"/],
  [
    'a coding beside chunks',
    `${ECHO}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ...([400, 'request-invalid', /Transfer-Encoding to be chunked, or none, got "gzip, chunked"/] as const),
  ],
  ['no Host', `GET /healthz HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'request-invalid', /Missing host header/],
  ['no such method', `BREW /healthz HTTP/1.1\r\n${HEAD}\r\n`, 400, 'request-invalid', /\(Invalid method encountered\)/],
  ['a path that is not ASCII', `GET /\u00e9 HTTP/1.1\r\n${HEAD}\r\n`, 400, 'request-invalid', /\(Invalid char in url/],
  [
    'a field that goes on',
    `GET / HTTP/1.1\r\nA: b\r\n c\r\n${HEAD}\r\n`,
    400,
    'request-invalid',
    /\(Unexpected whitespace/,
  ],
  [
    'a chunk that is none',
    `${ECHO}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'body-truncated',
    /\(Invalid character in chunk size\)/,
  ],
] as const) {
  odd(`${what} is answered with ${status}, and why`, async (context) => {
    const answer = await exchange(context, text);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, /\r\nconnection: close\r\n/i);
    const problem = problemIn(answer);
    assert.equal([problem.status, problem.code], [status, code]);
    assert.match(problem.detail, detail);
  });
}

odd('requests sent ahead are answered in their order', async (context) => {
  const one = (word: string, last = '') => `${ECHO}${last}Content-Length: 3\r\n\r\n${word}`;
  const answer = await exchange(context, one('one') + one('two') + one('six', CLOSE));
  assert.equal(
    [...answer.matchAll(/HTTP\/1\.1 200 |\b(?:one|two|six)\b/g)].map(([found]) => found.slice(-4).trim()),
    ['200', 'one', '200', 'two', '200', 'six'],
  );
});

for (const [what, behind, status] of [
  ['bytes that are no HTTP', '\x16\x03\x01\r\n', 400],
  ['a header without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`, 431],
] as const) {
  odd(`a whole request is answered before ${what} behind it`, async (context) => {
    const answer = await exchange(context, `${ECHO}Content-Length: 3\r\n\r\none${behind}`);
    const [first, second] = answer.split('HTTP/1.1 ').slice(1);
    assert.match(first!, /^200 [\s\S]*\r\none\r\n0\r\n/);
    assert.match(second!, new RegExp(`^${status} `));
  });
}

odd('what comes behind the last request that was announced is nothing', async (context) => {
  const answer = await exchange(context, `${ECHO}${CLOSE}Content-Length: 3\r\n\r\none${ECHO}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*\r\none\r\n0\r\n/);
  assert.is(answer.split('HTTP/1.1 ').length, 2);
});

odd.run();

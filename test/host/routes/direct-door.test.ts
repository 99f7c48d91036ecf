import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../../host/listener.ts';
import { type DirectDoor, directDoor } from '../../../host/routes/direct-door.ts';
import type { HeaderPair } from '../../../runtime/index.ts';
import { chunks, collect, type Guest, type MemoryEngine, TOKEN, testHost } from '../memory-engine.ts';

/** One way to a function: its host, and how many requests came to the routes. */
interface Way {
  readonly listener: Listener;
  readonly engine: MemoryEngine;
  readonly journal: string[];
  readonly sessions: string[];
  readonly drain: () => void;
  routed: number;
  /** Requests that the door was asked for by Node, and those that it took before Node read them. */
  read: number;
  taken: number;
}

const doors = suite<{ direct: Way; routes: Way }>('the direct door');

const field = (name: string, value: string): HeaderPair => [name, Buffer.from(value, 'latin1')];
const REPEATED = [field('x-a', '1'), field('x-b', '2'), field('x-a', '3')];

/** What the guest answers, by the first part of its path: its header, and how the body comes. */
const ANSWERS: Readonly<Record<string, { headers?: HeaderPair[]; status?: number; streamed?: true; body?: string }>> = {
  plain: {},
  repeated: { headers: REPEATED },
  proto: { headers: [field('__proto__', 'x'), field('__proto__', 'y')] },
  number: { headers: [field('x-a', '1'), field('7', 'seven')] },
  cookies: { headers: [field('set-cookie', 'a=1'), field('Set-Cookie', 'b=2'), field('cloudlet-version', '9')] },
  policy: {
    headers: [
      field('content-security-policy', 'img-src a'),
      field('x-frame-options', 'SAMEORIGIN'),
      field('x-frame-options', 'b'),
      field('Referrer-Policy', 'origin'),
      field('server-timing', 'mine;dur=1'),
    ],
  },
  typed: { headers: [field('Content-Type', 'text/html'), field('content-type', 'b')] },
  'disposition-in-utf': { headers: [field('Content-Disposition', 'attachment; filename="\u00c3\u00a9"')] },
  'disposition-in-latin': { headers: [field('content-disposition', 'attachment; filename="\u00e9"')] },
  'disposition-of-a-name': { headers: [field('content-disposition', 'attachment; filename="\u00e5\u0090\u008d"')] },
  'disposition-behind-length': {
    headers: [field('content-length', '2'), field('content-disposition', 'a; filename="\u00e9"')],
    body: 'hi',
  },
  'disposition-of-nothing': { headers: [field('content-disposition', 'a; filename="\u00e9"')], body: '' },
  'disposition-long': { headers: [field('content-disposition', 'a; filename="\u00e9"')], body: 'x'.repeat(70_000) },
  latin: { headers: [field('x-name', 'Ren\u00e9')], body: 'caf\u00e9' },
  long: { body: 'x'.repeat(70_000) },
  empty: { body: '' },
  length: { headers: [field('Content-Length', '5')], body: 'hello' },
  'wrong-length': { headers: [field('content-length', '6')], body: 'hello' },
  nothing: { status: 204, body: '' },
  kept: { status: 304, body: '' },
  missing: { status: 404 },
  strange: { status: 777 },
  bad: { headers: [field('x y', '1')] },
  streamed: { streamed: true },
};

const guest: Guest = async (request, input) => {
  if (request.door !== 'http') throw new Error('expected an http request');
  const { path } = request;
  const kind = /^\/([a-z-]*)/.exec(path)![1]!;
  if (kind === 'full')
    throw new CloudletError('at-capacity', 'no sandbox was free; try again in 3 s', { retryAfterS: 3 });
  if (kind === 'trap') throw new CloudletError('guest-trapped', 'it trapped');
  const { headers = [], status = 200, streamed, body } = ANSWERS[kind] ?? {};
  const seen = request.headers.map(([name, value]) => `${name}: ${Buffer.from(value).toString('latin1')}`).join('\n');
  const got = Buffer.from(await collect(input)).toString('latin1');
  const told = `${request.method} ${request.scheme} ${request.authority} ${path}\n${seen}\n\n${got}`;
  const whole = Buffer.from(body ?? told, 'latin1');
  const head = { status, headers };
  return streamed ? { head, output: chunks(whole) } : { head, output: chunks(whole), whole };
};

async function open(isDirect: boolean): Promise<Way> {
  const { app, engine, parts, journal, drain } = testHost();
  engine.guest = guest;
  const way = { engine, journal, drain, routed: 0, read: 0, taken: 0, sessions: [parts.trust.sessions.open().secret] };
  const door = directDoor(parts);
  const counted: DirectDoor = {
    answer: (...asked) => {
      way.read += 1;
      door.answer(...asked);
    },
    take: (...asked) => {
      const isTaken = door.take!(...asked);
      if (isTaken) way.taken += 1;
      return isTaken;
    },
  };
  const listener = await listen(
    '127.0.0.1',
    0,
    (request, connection) => {
      way.routed += 1;
      return app.fetch(request, connection);
    },
    isDirect ? { door: counted } : {},
  );
  return Object.assign(way, { listener });
}

doors.before(async (context) => {
  context.direct = await open(true);
  context.routes = await open(false);
});
doors.after(async ({ direct, routes }) => {
  await direct.listener.close(0);
  await routes.listener.close(0);
});

/** Sends the pieces, each when the bytes before it were read, and gives all that comes until the other side closes. */
function exchange({ listener }: Way, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(listener.port, '127.0.0.1', async () => {
      for (const piece of pieces) {
        socket.write(piece, 'latin1');
        await new Promise((next) => setImmediate(() => setImmediate(next)));
      }
    });
    const got: Buffer[] = [];
    socket.on('data', (data) => got.push(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(Buffer.concat(got).toString('latin1')));
  });
}

const HOST = 'Host: localhost:8080\r\n';
const OWNER = `${HOST}Authorization: Bearer ${TOKEN}\r\n`;
const CLOSE = 'Connection: close\r\n\r\n';
const get = (target: string, fields = OWNER) => `GET ${target} HTTP/1.1\r\n${fields}${CLOSE}`;

/** A request in pieces, and whether the door answers it itself. */
const REQUESTS: readonly (readonly [what: string, pieces: readonly string[], isDirect: boolean])[] = [
  ['a GET', [get('/f/hello/plain?a=1&a=%20b')], true],
  ['the function alone', [get('/f/hello')], true],
  ['a query alone', [get('/f/hello?x=1')], true],
  ['a slash at the end', [get('/f/hello/')], true],
  ['empty segments', [get('/f/hello//plain//')], true],
  ['percent-encoding', [get('/f/hello/a%2Fb%C3%A9?q=%27')], true],
  ['segments of dots', [get('/f/hello/a/../plain')], false],
  ['dots in disguise', [get('/f/hello/a/%2E%2e/plain')], false],
  ['a quote', [get("/f/hello/plain?q='a'")], false],
  ['a space in the target', [get('/f/hello/a{b}')], false],
  ['a fragment', [get('/f/hello/plain#part')], false],
  ['a whole address', [get('http://localhost:8080/f/hello/plain')], false],
  ['a capital in Host', [get('/f/hello/plain', `Host: LocalHost\r\nAuthorization: Bearer ${TOKEN}\r\n`)], false],
  [
    'the port of the scheme',
    [get('/f/hello/plain', `Host: localhost:80\r\nAuthorization: Bearer ${TOKEN}\r\n`)],
    false,
  ],
  ['a high port', [get('/f/hello/plain', `Host: localhost:61234\r\nAuthorization: Bearer ${TOKEN}\r\n`)], true],
  ['another name', [get('/f/hello/plain', `Host: evil.example\r\nAuthorization: Bearer ${TOKEN}\r\n`)], false],
  // Refused before either is asked.
  ['no Host', [get('/f/hello/plain', `Authorization: Bearer ${TOKEN}\r\n`)], true],
  ['two Hosts', [get('/f/hello/plain', `${HOST}${OWNER}`)], false],
  ['no function of that name', [get('/f/nobody/plain')], false],
  ['no name', [get('/f/Hello/plain')], false],
  ['no stranger', [get('/f/hello/plain', HOST)], false],
  ['a wrong token', [get('/f/hello/plain', `${HOST}Authorization: Bearer wrong\r\n`)], false],
  ['two tokens', [get('/f/hello/plain', `${OWNER}Authorization: Bearer ${TOKEN}\r\n`)], false],
  ['another scheme of authorization', [get('/f/hello/plain', `${HOST}Authorization: Basic YTpi\r\n`)], false],
  ['its own page', [get('/f/hello/plain', `${OWNER}Origin: http://localhost:8080\r\n`)], false],
  ['a page of another site', [get('/f/hello/plain', `${OWNER}Origin: http://evil.example\r\n`)], false],
  ['another site', [get('/f/hello/plain', `${OWNER}Sec-Fetch-Site: cross-site\r\n`)], false],
  ['a service worker', [get('/f/hello/plain', `${OWNER}Service-Worker: script\r\n`)], false],
  ['HEAD', [`HEAD /f/hello/plain HTTP/1.1\r\n${OWNER}${CLOSE}`], false],
  ['OPTIONS', [`OPTIONS /f/hello/plain HTTP/1.1\r\n${OWNER}${CLOSE}`], true],
  [
    'OPTIONS of a browser',
    [
      `OPTIONS /f/hello/plain HTTP/1.1\r\n${HOST}Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\n${CLOSE}`,
    ],
    false,
  ],
  ['PROPFIND', [`PROPFIND /f/hello/plain HTTP/1.1\r\n${OWNER}${CLOSE}`], false],
  ['TRACE', [`TRACE /f/hello/plain HTTP/1.1\r\n${OWNER}${CLOSE}`], false],
  ['HTTP/1.0', [`GET /f/hello/plain HTTP/1.0\r\n${OWNER}\r\n`], false],
  [
    'an upgrade',
    [`GET /f/hello/plain HTTP/1.1\r\n${OWNER}Upgrade: websocket\r\nConnection: upgrade, close\r\n\r\n`],
    true,
  ],
  ['fields twice', [get('/f/hello/plain', `${OWNER}X-A: 1\r\nAccept: a\r\nx-a: 2\r\naccept: b\r\n`)], true],
  ['__proto__', [get('/f/hello/plain', `${OWNER}__proto__: x\r\n`)], true],
  [
    'fields of the connection',
    [get('/f/hello/plain', `${OWNER}X-Hop: 1\r\nConnection: x-hop\r\nTE: trailers\r\n`)],
    true,
  ],
  ['a cookie', [get('/f/hello/plain', `${OWNER}Cookie: a=1\r\n`)], true],
  ['latin letters', [get('/f/hello/plain', `${OWNER}X-Name: Ren\u00e9\r\n`)], true],
  ['a deadline', [get('/f/hello/plain', `${OWNER}Cloudlet-Deadline-Ms: 5\r\n`)], true],
  ['no deadline', [get('/f/hello/plain', `${OWNER}Cloudlet-Deadline-Ms: soon\r\n`)], false],
  ['a bad version', [get('/f/hello/plain', `${OWNER}Cloudlet-Version: 0\r\n`)], false],
  [
    'a place in a trace',
    [get('/f/hello/plain', `${OWNER}traceparent: 00-${'1'.repeat(32)}-${'2'.repeat(16)}-01\r\n`)],
    true,
  ],
  ['a body with its length', [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 5\r\n${CLOSE}a bod`], true],
  [
    'a body that comes later',
    [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 5\r\n${CLOSE}`, 'a ', 'bod'],
    false,
  ],
  ['an empty body', [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 0\r\n${CLOSE}`], true],
  ['POST without a body', [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}${CLOSE}`], true],
  ['GET with a body', [`GET /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 5\r\n${CLOSE}a bod`], true],
  [
    'a body in chunks',
    [`PUT /f/hello/plain HTTP/1.1\r\n${OWNER}Transfer-Encoding: chunked\r\n${CLOSE}2\r\nab\r\n`, '1\r\nc\r\n0\r\n\r\n'],
    false,
  ],
  [
    'a longer body',
    [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 20000\r\n${CLOSE}${'y'.repeat(20_000)}`],
    false,
  ],
  ['too long a body', [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 999999999999\r\n${CLOSE}`], false],
  [
    'leave to send a body',
    [`POST /f/hello/plain HTTP/1.1\r\n${OWNER}Expect: 100-continue\r\nContent-Length: 5\r\n${CLOSE}`, 'a bod'],
    false,
  ],
  ['two requests, sent ahead', [`GET /f/hello/plain HTTP/1.1\r\n${OWNER}\r\n${get('/f/hello/empty')}`], true],
  ['what is no HTTP behind a request', [`GET /f/hello/plain HTTP/1.1\r\n${OWNER}\r\n\x01\x02\r\n\r\n`], true],
  ...Object.keys(ANSWERS).map((kind) => {
    const isDirect = !/^(proto|number|wrong-length|nothing|kept|strange|bad|streamed)$/.test(kind);
    return [`an answer that is ${kind}`, [get(`/f/hello/${kind}`)], isDirect] as const;
  }),
  ['no capacity', [get('/f/hello/full')], false],
  ['a trap', [get('/f/hello/trap')], false],
];

/** Without the time of day. */
const timeless = (answer: string) => answer.replaceAll(/\r\nDate: [^\r]*/gi, '\r\nDate: now');

for (const [what, pieces, isDirect] of REQUESTS) {
  doors(
    `${what} is answered as by the routes, ${isDirect ? 'without them' : 'by them'}`,
    async ({ direct, routes }) => {
      const before = direct.routed;
      const expected = await exchange(routes, pieces);
      assert.match(expected, /^HTTP\/1\.1 \d/);
      assert.is(timeless(await exchange(direct, pieces)), timeless(expected));
      assert.is(direct.routed === before, isDirect);
    },
  );
}

/** Sends a request in its pieces several times over one connection, each time when something of the answer before has come, then a last one that closes it. */
function keptExchange({ listener }: Way, pieces: readonly string[], times: number): Promise<string> {
  return new Promise((resolve) => {
    const got: Buffer[] = [];
    let answered: () => void = () => {};
    const socket = connect(listener.port, '127.0.0.1', async () => {
      for (let time = 0; time < times; time++) {
        const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
        answered = hear;
        for (const piece of pieces) {
          socket.write(piece, 'latin1');
          await new Promise((next) => setImmediate(() => setImmediate(next)));
        }
        await heard;
      }
      socket.write(`GET /healthz HTTP/1.1\r\n${HOST}${CLOSE}`);
    });
    socket.on('data', (data) => {
      got.push(data);
      answered();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      answered();
      resolve(Buffer.concat(got).toString('latin1'));
    });
  });
}

/** What counts as a wrong token: of these only a few are answered. */
const COUNTED = /wrong token|two tokens|another scheme/;

for (const [what, pieces] of REQUESTS.filter(([what]) => !COUNTED.test(what))) {
  const kept = pieces.map((piece) => piece.replaceAll(CLOSE, '\r\n'));
  doors(`${what} is answered as by the routes over a connection that is kept`, async ({ direct, routes }) => {
    const expected = timeless(await keptExchange(routes, kept, 3));
    assert.is(timeless(await keptExchange(direct, kept, 3)), expected);
  });
  doors(`${what} is answered as by the routes with another behind it`, async ({ direct, routes }) => {
    const ahead = [...kept.slice(0, -1), `${kept.at(-1)}${get('/f/hello/plain')}`];
    assert.is(timeless(await exchange(direct, ahead)), timeless(await exchange(routes, ahead)));
    const soon = [...kept, get('/f/hello/plain')];
    assert.is(timeless(await exchange(direct, soon)), timeless(await exchange(routes, soon)));
  });
}

const KEPT: readonly (readonly [what: string, piece: string, taken: number])[] = [
  ['a GET', `GET /f/hello/plain HTTP/1.1\r\n${OWNER}\r\n`, 3],
  ['a connection that is said to be kept', `GET /f/hello/plain HTTP/1.1\r\n${OWNER}Connection: Keep-Alive\r\n\r\n`, 3],
  ['a body with its length', `POST /f/hello/plain HTTP/1.1\r\n${OWNER}Content-Length: 5\r\n\r\na bod`, 3],
  ['a long answer', `GET /f/hello/long HTTP/1.1\r\n${OWNER}\r\n`, 3],
  // Begun once; Node reads it again, and what comes behind it.
  ['a stream', `GET /f/hello/streamed HTTP/1.1\r\n${OWNER}\r\n`, 1],
  ['a trap', `GET /f/hello/trap HTTP/1.1\r\n${OWNER}\r\n`, 1],
  ['a stranger', `GET /f/hello/plain HTTP/1.1\r\n${HOST}\r\n`, 0],
  ['a bad version', `GET /f/hello/plain HTTP/1.1\r\n${OWNER}Cloudlet-Version: 0\r\n\r\n`, 0],
];
for (const [what, piece, taken] of KEPT) {
  doors(`${what}, three times over one connection: ${taken} are taken before Node reads them`, async (context) => {
    const { direct, routes } = context;
    const before = { ...direct, started: direct.engine.started.length };
    const answers = await keptExchange(direct, [piece], 3);
    assert.is(timeless(answers), timeless(await keptExchange(routes, [piece], 3)));
    assert.is(answers.split('HTTP/1.1 ').length, 5);
    assert.is(direct.taken - before.taken, taken);
    // Those that follow, and the last, which is for another address. One that was begun Node reads without asking the door.
    assert.is(direct.read - before.read, 4 - taken);
    assert.is(direct.engine.started.length - before.started, taken === 0 ? 0 : 3);
  });
}

doors('a session lets in until it is over', async ({ direct, routes }) => {
  for (const [way, secret] of [direct, routes].map((each) => [each, each.sessions[0]!] as const)) {
    const request = get('/f/hello/empty', `${HOST}Authorization: Bearer ${secret}\r\n`);
    assert.match(await exchange(way, [request]), /^HTTP\/1\.1 200 /);
    const over = `DELETE /v1/session HTTP/1.1\r\n${HOST}Authorization: Bearer ${secret}\r\n${CLOSE}`;
    assert.match(await exchange(way, [over]), /^HTTP\/1\.1 204 /);
    assert.match(await exchange(way, [request]), /^HTTP\/1\.1 401 /);
  }
});

doors('who leaves has his invocation ended, however it was begun', async ({ direct, routes }) => {
  for (const way of [direct, routes]) {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    way.engine.guest = (_request, _input, signal) => {
      signal?.addEventListener('abort', () => resolve());
      begin();
      return new Promise(() => undefined);
    };
    const socket = connect(way.listener.port, '127.0.0.1', () => socket.write(`GET /f/hello HTTP/1.1\r\n${OWNER}\r\n`));
    socket.on('error', () => undefined);
    await begun;
    socket.destroy();
    await left;
    way.engine.guest = guest;
  }
});

doors('the bytes of a file name come as the function gave them', async ({ direct, routes }) => {
  for (const kind of Object.keys(ANSWERS).filter((each) => each.startsWith('disposition'))) {
    const [, value] = ANSWERS[kind]!.headers!.at(-1)!;
    for (const way of [direct, routes]) {
      const answers = await keptExchange(way, [`GET /f/hello/${kind} HTTP/1.1\r\n${OWNER}\r\n`], 2);
      assert.is(answers.split(Buffer.from(value).toString('latin1')).length, 3);
    }
  }
});

doors('a fault of ours of which nobody is left to be told is in the journal and counted', async (context) => {
  for (const way of [context.direct, context.routes]) {
    for (const fields of [OWNER, `${OWNER}X: y\r\nConnection: x\r\n`]) {
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      way.engine.guest = async (_request, _input, signal) => {
        const left = new Promise<void>((resolve) => signal?.addEventListener('abort', resolve));
        begin();
        await left;
        throw new Error('ours');
      };
      const before = way.journal.length;
      const failed = await failures(way);
      const asked = `GET /f/hello/a?secret HTTP/1.1\r\n${fields}\r\n`;
      const socket = connect(way.listener.port, '127.0.0.1', () => socket.write(asked));
      socket.on('error', () => undefined);
      await begun;
      socket.destroy();
      for (let turn = 0; turn < 1000 && way.journal.length === before; turn += 1)
        await new Promise((next) => setTimeout(next, 1));
      const [line, ...more] = way.journal.slice(before);
      const { event, path, cause } = JSON.parse(line!);
      assert.equal([event, path], ['request failed', '/f/hello/a']);
      assert.match(cause, /^Error: ours\n/);
      assert.equal(more, []);
      assert.is((await failures(way)) - failed, 1);
      way.engine.guest = guest;
    }
  }
});

async function failures(way: Way): Promise<number> {
  const metrics = await exchange(way, [get('/metrics')]);
  return Number(/cloudlet_http_requests_total\{status="500"\} (\d+)/.exec(metrics)?.[1] ?? 0);
}

doors('what a function may not say is told once', async ({ direct, routes }) => {
  for (const way of [direct, routes]) {
    await exchange(way, [get('/f/hello/cookies')]);
    const { journal } = way;
    assert.is(journal.filter((line) => line.includes('headers of a function withheld')).length, 1);
  }
});

doors('both count the same answers', async ({ direct, routes }) => {
  const counted = async (way: Way) => {
    const metrics = await exchange(way, [get('/metrics')]);
    return metrics.match(/cloudlet_http_requests_total\{.*/g);
  };
  assert.equal(await counted(direct), await counted(routes));
});

doors('who comes while the host stops is refused by either', async ({ direct, routes }) => {
  for (const way of [direct, routes]) {
    way.drain();
    assert.match(await exchange(way, [get('/f/hello')]), /^HTTP\/1\.1 503 /);
  }
});

doors.run();

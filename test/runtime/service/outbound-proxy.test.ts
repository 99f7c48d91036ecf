import { createServer, request } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OutboundProxyOptions, openOutboundProxy } from '../../../runtime/service/index.ts';
import { type LocalServer, rawServer, serveLocally } from '../../support/fake-vm.ts';
import { SeededRandom } from '../../support/random.ts';
import { socketPair } from '../../support/socket-pair.ts';

const proxy = suite('the proxy of a VM');
const closers: (() => unknown)[] = [];
proxy.after.each(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Names, and what they are at. All public addresses lead to one local server. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['93.184.216.34'],
  'mirror.example': ['93.184.216.35'],
  'rebound.example': ['127.0.0.1'],
  'inner.example': ['10.0.0.7'],
  'clouds.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:10.0.0.7'],
  'own.example': ['203.0.114.5'],
  'mixed.example': ['10.0.0.7', '93.184.216.34'],
  'nowhere.example': [],
};

interface Lab {
  readonly proxy: ReturnType<typeof openOutboundProxy>;
  readonly reports: string[];
  readonly dialed: string[];
  /** Sends bytes to the proxy and gives all that comes until it closes. */
  readonly say: (text: string) => Promise<string>;
  readonly inside: () => Promise<Socket>;
}

function lab(server: LocalServer | null, changes: Partial<OutboundProxyOptions> = {}): Lab {
  const reports: string[] = [];
  const dialed: string[] = [];
  const opened = openOutboundProxy({
    hosts: Object.keys(NAMES),
    policy: { http: 'any-public', privateNetworks: [] },
    world: {
      resolver: async (name) => NAMES[name] ?? [],
      connector: (address, port) =>
        new Promise((resolve, reject) => {
          dialed.push(`${address}:${port}`);
          if (server === null) return reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
          const socket = connectTcp({ host: '127.0.0.1', port: server.port }, () => resolve(socket));
          socket.on('error', reject);
        }),
      ownNetworks: () => [{ base: Uint8Array.from([203, 0, 114, 0]), bits: 24 }],
    },
    report: (outcome, sentence) => reports.push(`${outcome} ${sentence}`),
    ...changes,
  });
  closers.push(() => opened.close());
  const inside = async (): Promise<Socket> => {
    const [program, host] = await socketPair();
    program.on('error', () => undefined);
    closers.push(() => program.destroy());
    opened.accept(host);
    return program;
  };
  const say = async (text: string): Promise<string> => {
    const connection = await inside();
    connection.write(text);
    const parts: Uint8Array[] = [];
    for await (const part of connection) parts.push(part as Uint8Array);
    return Buffer.concat(parts).toString();
  };
  return { proxy: opened, reports, dialed, say, inside };
}

async function echoServer(): Promise<LocalServer> {
  const server = await serveLocally(
    createServer((incoming, outgoing) => {
      const parts: Uint8Array[] = [];
      incoming.on('data', (part: Uint8Array) => parts.push(part));
      incoming.on('end', () => {
        outgoing.setHeader('x-hop', '1');
        outgoing.setHeader('connection', 'x-hop');
        outgoing.end(
          JSON.stringify({
            ...{ method: incoming.method, url: incoming.url, headers: incoming.headers },
            body: Buffer.concat(parts).toString(),
          }),
        );
      });
    }),
  );
  closers.push(() => server.close());
  return server;
}

proxy('passes a request in absolute form on, with the host that was checked', async () => {
  const { say, dialed, reports } = lab(await echoServer());
  const answer = await say(
    'POST http://Public.Example/a?b=1 HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: secret\r\nProxy-Connection: keep-alive\r\nX-Drop: 1\r\nConnection: close, x-drop\r\nContent-Length: 2\r\n\r\nhi',
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.not.match(answer, /x-hop/);
  const seen = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1));
  assert.equal([seen.method, seen.url, seen.body], ['POST', '/a?b=1', 'hi']);
  assert.equal(seen.headers, { host: 'Public.Example', connection: 'close', 'content-length': '2' });
  assert.equal(dialed, ['93.184.216.34:80']);
  assert.equal(reports, ['allowed "http://Public.Example"']);
});

proxy('frames a body that a GET has', async () => {
  const { say } = lab(await echoServer());
  const answer = await say(
    'GET http://public.example/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n21\r\nGET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n0\r\n\r\n',
  );
  assert.match(answer, /"url":"\/"/, answer);
  assert.match(answer, /"body":"GET \/smuggled/);
});

proxy('answers requests that were sent ahead in their order', async () => {
  const { say } = lab(await echoServer());
  const one = (path: string, end: string) => `GET http://public.example/${path} HTTP/1.1\r\nHost: a\r\n${end}\r\n`;
  const answer = await say(one('1', '') + one('2', '') + one('3', 'Connection: close\r\n'));
  assert.equal(answer.match(/"url":"\/\d"/g), ['"url":"/1"', '"url":"/2"', '"url":"/3"']);
});

proxy('joins a tunnel, to and fro', async () => {
  const server = await serveLocally(rawServer((socket) => socket.on('data', (bytes) => socket.write(`<${bytes}>`))));
  closers.push(() => server.close());
  const { inside, dialed } = lab(server);
  const program = await inside();
  let got = '';
  const until = (text: string) =>
    new Promise<void>((resolve) => {
      const look = (): void => void (got.includes(text) && resolve());
      program.on('data', (bytes) => {
        got += bytes;
        look();
      });
      look();
    });
  program.write('CONNECT public.example:443 HTTP/1.1\r\nHost: public.example:443\r\n\r\nearly');
  await until('<early>');
  assert.match(got, /^HTTP\/1\.1 200 Connection established\r\n\r\n<early>$/);
  program.write('late');
  await until('<late>');
  assert.equal(dialed, ['93.184.216.34:443']);
});

const CONNECT = (to: string) => `CONNECT ${to} HTTP/1.1\r\nHost: x\r\n\r\n`;
const GET = (to: string) => `GET ${to} HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n\r\n`;

/** What a hostile program in a VM asks for, and what it is told; none of it may be dialed. */
for (const [what, sent, status, sentence] of [
  ['a name that is not asked for', CONNECT('evil.example:443'), 403, /not among the hosts/],
  ['another port of a name', CONNECT('public.example:22'), 403, /not among the hosts/],
  ['the loopback of the host', CONNECT('127.0.0.1:22'), 403, /not among the hosts/],
  ['the loopback, spelled oddly', GET('http://0x7f.1/'), 403, /127\.0\.0\.1:80 is not among/],
  ['a name at the loopback', CONNECT('rebound.example:443'), 403, /is at 127\.0\.0\.1/],
  ['a private address', GET('http://inner.example/'), 403, /is at 10\.0\.0\.7/],
  ['the metadata of a cloud', GET('http://clouds.example/latest/meta-data'), 403, /169\.254\.169\.254/],
  ['a private address in IPv6', GET('http://mapped.example/'), 403, /which functions may not reach/],
  ['a network of the computer', GET('http://own.example/'), 403, /203\.0\.114\.5/],
  ['a name without address', GET('http://nowhere.example/'), 502, /no address/],
  ['no address at all', GET('/etc/passwd'), 400, /such as http:\/\/host/],
  ['https in absolute form', GET('https://public.example/'), 400, /CONNECT/],
  ['user information', GET('http://public.example@evil.example/'), 400, /expected a host/],
  ['a tunnel without a port', CONNECT('public.example'), 400, /host and a port/],
  [
    'another protocol',
    'GET http://public.example/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    501,
    /CONNECT/,
  ],
  ['something else than HTTP', '\x16\x03\x01garbage\r\n\r\n', 400, /HTTP\/1\.1/],
  [
    'an endless header',
    `GET http://public.example/ HTTP/1.1\r\n${`x: ${'a'.repeat(1000)}\r\n`.repeat(40)}`,
    400,
    /HTTP\/1\.1/,
  ],
] as const) {
  proxy(`refuses ${what} with ${status}`, async () => {
    const { say, dialed } = lab(null);
    const answer = await say(sent);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, sentence);
    assert.equal(dialed, []);
  });
}

proxy('says in the log what was refused, without the path', async () => {
  const { say, reports } = lab(null);
  await say(GET('http://evil.example/secret?token=1'));
  assert.match(reports[0]!, /^refused "http:\/\/evil\.example": evil\.example:80 is not among/);
  assert.not.match(reports[0]!, /secret/);
});

proxy('goes to the allowed address of a name that has others', async () => {
  const { say, dialed } = lab(await echoServer());
  assert.match(await say(GET('http://mixed.example/')), /^HTTP\/1\.1 200/);
  assert.equal(dialed, ['93.184.216.34:80']);
});

for (const [what, changes, status] of [
  ['a policy that allows none', { policy: { http: 'none', privateNetworks: [] } }, 403],
  ['a policy that names others', { policy: { http: ['mirror.example'], privateNetworks: [] } }, 403],
  ['no host that is asked for', { hosts: [] }, 403],
  ['a pattern of names below', { hosts: ['*.example'] }, 200],
] as const) {
  proxy(`${what}: ${status}`, async () => {
    const { say } = lab(await echoServer(), changes as Partial<OutboundProxyOptions>);
    assert.match(await say(GET('http://public.example/')), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

proxy('a server that refuses or breaks off is told as 502', async () => {
  assert.match(await lab(null).say(GET('http://public.example/')), /^HTTP\/1\.1 502 .*no connection \(ECONNREFUSED\)/s);
  const server = await serveLocally(rawServer((socket) => socket.end()));
  closers.push(() => server.close());
  const { say, reports } = lab(server);
  assert.match(await say(GET('http://public.example/')), /^HTTP\/1\.1 502 /);
  assert.match(reports[0]!, /^failed /);
});

proxy('has a bounded number of connections in and out', async () => {
  const server = await serveLocally(rawServer(() => {}));
  closers.push(() => server.close());
  const { inside, proxy: opened, say, dialed } = lab(server, { connections: 2 });
  const programs = [await inside(), await inside()];
  for (const program of programs) program.write(CONNECT('public.example:443'));
  for (const program of programs) await new Promise((resolve) => program.once('data', resolve));
  assert.match(await say(GET('http://public.example/')), /^HTTP\/1\.1 503 /);
  assert.is(opened.connections, 2);
  assert.is(dialed.length, 2);
});

proxy('who sends too many requests ahead loses the connection', async () => {
  const server = await serveLocally(rawServer(() => {}));
  closers.push(() => server.close());
  const { say, dialed } = lab(server);
  await say('GET http://public.example/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500)).catch(() => '');
  assert.ok(dialed.length <= 33, String(dialed.length));
});

proxy('close ends all connections, twice over', async () => {
  const server = await serveLocally(rawServer(() => {}));
  closers.push(() => server.close());
  const { inside, proxy: opened } = lab(server);
  const program = await inside();
  program.write(CONNECT('public.example:443'));
  await new Promise((resolve) => program.once('data', resolve));
  const closed = new Promise((resolve) => program.once('close', resolve));
  program.resume();
  opened.close();
  opened.close();
  await closed;
  assert.match(
    await new Promise<string>((resolve) => {
      void inside().then((late) => late.once('data', (bytes) => resolve(String(bytes))));
    }),
    /^HTTP\/1\.1 503/,
  );
});

proxy('nothing that a program can write leads to where it may not go', async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);
  const random = new SeededRandom(seed);
  const server = await serveLocally(rawServer((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n')));
  closers.push(() => server.close());
  const { inside, dialed } = lab(server, { hosts: ['public.example'] });
  const pieces = [
    ...['GET ', 'CONNECT ', 'POST ', 'http://', 'https://', '//', 'public.example', 'rebound.example', 'inner.example'],
    ...[
      '127.0.0.1',
      '[::1]',
      '0x7f.1',
      '2130706433',
      '@',
      ':',
      ':80',
      ':443',
      ':0',
      ':99999',
      '/',
      '?',
      '#',
      '\\',
      '%2e',
      '.',
      '\0',
    ],
    ...[
      ' HTTP/1.1',
      ' HTTP/1.0',
      '\r\n',
      '\r\n\r\n',
      '\n',
      '\r',
      'Host: inner.example',
      'Connection: upgrade',
      'Upgrade: x',
    ],
    ...[
      'Transfer-Encoding: chunked',
      'Content-Length: 5',
      'Content-Length: -1',
      '5\r\nhello\r\n0\r\n\r\n',
      '\u00e9',
      'xn--',
      '*',
    ],
  ];
  for (let at = 0; at < 150; at += 1) {
    const connection = await inside();
    const sent = Array.from({ length: 2 + random.below(14) }, () => random.pick(pieces)).join('');
    connection.resume();
    connection.end(Buffer.from(sent, 'latin1'));
    await new Promise((resolve) => connection.once('close', resolve));
  }
  const wrong = dialed.filter((where) => !where.startsWith('93.184.216.34:'));
  assert.equal(wrong, [], `seed ${seed}`);
});

// A tunnel's client in Node's own words, so that not only our bytes are understood.
proxy('is understood by an ordinary client', async () => {
  const { inside } = lab(await echoServer());
  const connection = await inside();
  const message = request({
    ...{ method: 'GET', path: 'http://public.example/x', headers: { host: 'public.example' } },
    createConnection: () => connection,
  });
  const status = new Promise((resolve) =>
    message.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    }),
  );
  message.end();
  assert.is(await status, 200);
});

proxy.run();

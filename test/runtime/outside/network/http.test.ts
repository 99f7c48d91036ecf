import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemConnector } from '../../../../runtime/outside/network/dialer.ts';
import { recordOf } from '../../../../runtime/outside/network/record.ts';
import { memorySource } from '../../../../runtime/wasi/index.ts';
import { certificateFor } from '../../../support/certificate.ts';
import { PushSource, utf8, WindowSink } from '../../wasi/backend.ts';
import {
  ask,
  bodyOf,
  fetchWhole,
  httpSend,
  openTestNetwork,
  refusalOf,
  startServer,
  type TestServer,
} from './network-lab.ts';

const http = suite('requests of HTTP');
const open: { close(): unknown }[] = [];

http.after.each(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function network(...given: Parameters<typeof openTestNetwork>) {
  const made = openTestNetwork(...given);
  open.push(made);
  return made;
}

async function server(...given: Parameters<typeof startServer>): Promise<TestServer> {
  const started = await startServer(...given);
  open.push(started);
  return started;
}

/** A server that speaks bytes, not HTTP. */
async function rawServer(onConnection: (socket: Socket, nth: number) => void): Promise<{ port: number }> {
  const sockets: Socket[] = [];
  const raw = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket, sockets.length);
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () =>
      new Promise<void>((resolve) => {
        raw.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
  return { port: (raw.address() as AddressInfo).port };
}

http('a request goes out as the guest made it, but for what belongs to the connection', async () => {
  let seen: unknown;
  const { port } = await server((request, response) => {
    seen = [request.method, request.url, request.rawHeaders];
    response.writeHead(201, {
      'X-Answer': 'yes',
      Connection: 'keep-alive, X-Hop',
      'X-Hop': '1',
      'Keep-Alive': 'timeout=5',
    });
    response.end('made');
  });
  const answer = await fetchWhole(
    network(),
    httpSend({
      method: 'PATCH',
      authority: `127.0.0.1:${port}`,
      path: '/a?b=c',
      headers: [
        ['X-One', utf8('1')],
        ['x-one', utf8('é')],
        ['Host', utf8('evil.example')],
        ['Connection', utf8('close')],
        ['Transfer-Encoding', utf8('chunked')],
        ['TE', utf8('trailers')],
        ['Upgrade', utf8('h2c')],
        ['Proxy-Authorization', utf8('secret')],
        ['Expect', utf8('100-continue')],
      ],
    }),
  );
  assert.equal(seen, [
    'PATCH',
    '/a?b=c',
    ['Host', `127.0.0.1:${port}`, 'X-One', '1', 'x-one', 'Ã©', 'Content-Length', '0', 'Connection', 'keep-alive'],
  ]);
  assert.equal([answer.status, answer.text, answer.headers['x-answer']], [201, 'made', 'yes']);
  for (const hop of ['connection', 'keep-alive', 'transfer-encoding', 'x-hop'])
    assert.is(answer.headers[hop], undefined);
});

http('a body and trailers go both ways', async () => {
  let trailers: unknown;
  const { port } = await server(async (request, response) => {
    response.setHeader('Trailer', 'x-sum');
    for await (const chunk of request) response.write(chunk);
    trailers = request.rawTrailers;
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  });
  const answer = await fetchWhole(network(), httpSend({ method: 'POST', authority: `127.0.0.1:${port}`, body: true }), {
    source: memorySource(
      bodyOf(
        ['one ', 'two'],
        [
          ['X-Check', 'ok'],
          ['Connection', 'close'],
          ['Content-Length', '9'],
        ],
      ),
    ),
  });
  assert.is(answer.text, 'one two');
  assert.equal(trailers, ['X-Check', 'ok']);
  assert.equal(answer.trailers, [['X-Sum', '42']]);
});

http('a declared length is sent as such, and a body of another length is no request', async () => {
  const lengths: (string | undefined)[] = [];
  let complete = 0;
  const { port } = await server((request, response) => {
    lengths.push(request.headers['content-length']);
    request.resume().on('end', () => {
      complete += 1;
      response.end();
    });
    request.on('error', () => {});
  });
  const send = (declared: string, pieces: readonly string[]) =>
    fetchWhole(
      network(),
      httpSend({
        method: 'POST',
        authority: `127.0.0.1:${port}`,
        headers: [['Content-Length', utf8(declared)]],
        body: true,
      }),
      { source: memorySource(bodyOf(pieces)) },
    );
  assert.is((await send('6', ['abc', 'def'])).status, 200);
  assert.is(await refusalOf(send('6', ['abc'])), 'HTTP-request-body-size');
  assert.is(await refusalOf(send('2', ['abc'])), 'HTTP-request-body-size');
  assert.is(await refusalOf(send('-1', ['abc'])), 'HTTP-protocol-error');
  assert.is(complete, 1);
  assert.is(lengths[0], '6');
});

http('a body that the guest does not finish makes no complete request', async () => {
  let complete = 0;
  const { port } = await server((request) => {
    request.on('end', () => {
      complete += 1;
    });
    request.on('error', () => {});
    request.resume();
  });
  const source = memorySource(recordOf(utf8('half')));
  const sent = fetchWhole(network(), httpSend({ method: 'POST', authority: `127.0.0.1:${port}`, body: true }), {
    source,
  });
  assert.is(await refusalOf(sent), 'connection-terminated');
  assert.is(complete, 0);
});

http('a GET whose body turns out to be empty goes without one', async () => {
  const seen: (string | undefined)[] = [];
  const { port } = await server((request, response) => {
    seen.push(request.headers['transfer-encoding']);
    request.resume().on('end', () => response.end());
  });
  const made = network();
  const args = httpSend({ authority: `127.0.0.1:${port}`, body: true });
  await fetchWhole(made, args, { source: memorySource(bodyOf([])) });
  await fetchWhole(made, args, { source: memorySource(bodyOf(['x'])) });
  assert.equal(seen, [undefined, 'chunked']);
});

http('the answer may begin while the body is still sent', async () => {
  const { port } = await server((request, response) => {
    response.flushHeaders();
    request.pipe(response);
  });
  const source = new PushSource();
  const { head, end, sink } = await ask(
    network(),
    httpSend({ method: 'POST', authority: `127.0.0.1:${port}`, body: true }),
    {
      source,
    },
  );
  assert.is(head.status, 200);
  for (const piece of ['a', 'b', 'c']) {
    const before = sink.bytes().length;
    source.push(new TextDecoder('latin1').decode(recordOf(utf8(piece))));
    while (sink.bytes().length === before) await new Promise((resolve) => setImmediate(resolve));
  }
  source.push('\0\0\0\0');
  source.push(null);
  await end;
  assert.is(Buffer.from(sink.bytes()).toString(), 'abc');
});

http('an answer is read no faster than the guest reads it', async () => {
  let written = 0;
  const { port } = await server((_, response) => {
    const more = () => {
      while (written < 64 * 1024 * 1024) {
        written += 65_536;
        if (!response.write(Buffer.alloc(65_536))) return response.once('drain', more);
      }
      return response.end();
    };
    more();
  });
  const sink = new WindowSink(1000);
  const controller = new AbortController();
  const { end } = await ask(network(), httpSend({ authority: `127.0.0.1:${port}` }), {
    sink,
    signal: controller.signal,
  });
  while (sink.held < 1000) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(sink.most <= 1000);
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken for a guest that reads none`);
  controller.abort();
  assert.is(await refusalOf(end), 'HTTP-response-incomplete');
});

http('connections are kept, and used one at a time', async () => {
  const { port, connections } = await server((_, response) => response.end('ok'));
  const made = network();
  const args = httpSend({ authority: `127.0.0.1:${port}` });
  for (let round = 0; round < 5; round++) await fetchWhole(made, args);
  assert.is(connections.length, 1);
  await Promise.all([1, 2, 3].map(() => fetchWhole(made, args)));
  assert.is(connections.length, 3);
  assert.is(made.connections, 3);
});

http('a kept connection gathers nothing that listens to it', async () => {
  const { port } = await server((_, response) => response.end('ok'));
  const listeners: number[] = [];
  const made = network(
    {},
    {
      connector: async (address, to, options, signal) => {
        const socket = await systemConnector(address, to, options, signal);
        const counted = () =>
          listeners.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
        socket.on('free', counted);
        return socket;
      },
    },
  );
  for (let round = 0; round < 12; round++) await fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}` }));
  assert.is(listeners.length, 12);
  assert.is(new Set(listeners).size, 1);
});

http('a function has no more connections than its budget; others wait for their turn', async () => {
  let [now, most] = [0, 0];
  const { port, connections } = await server((_, response) => {
    now += 1;
    most = Math.max(most, now);
    setImmediate(() => {
      now -= 1;
      response.end('ok');
    });
  });
  const other = await server((_, response) => response.end('other'));
  const made = network({ connections: 2 });
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, () => fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}` }))),
    fetchWhole(made, httpSend({ authority: `127.0.0.1:${other.port}` })),
  ]);
  assert.equal(answers.map(({ text }) => text).sort(), [...new Array<string>(10).fill('ok'), 'other']);
  assert.ok(most <= 2);
  assert.ok(connections.length <= 4, `${connections.length} connections for ten requests, two at a time`);
  assert.ok(made.connections <= 2);
});

http('who waits for a connection in vain is told so', async () => {
  const { port } = await server(() => {});
  const made = network({ connections: 1, http: { connectMs: 20 } });
  const controller = new AbortController();
  const first = ask(made, httpSend({ authority: `127.0.0.1:${port}` }), { signal: controller.signal });
  assert.is(await refusalOf(ask(made, httpSend({ authority: `127.0.0.1:${port}` }))), 'connection-limit-reached');
  controller.abort();
  assert.is(await refusalOf(first), 'connection-terminated');
});

http('a kept connection that its server closed is replaced without the guest noticing', async () => {
  const { port } = await rawServer((socket, nth) => {
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      if (requests > 1) socket.destroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${nth}`);
    });
  });
  const made = network();
  const args = httpSend({ authority: `127.0.0.1:${port}` });
  assert.is((await fetchWhole(made, args)).text, '1');
  assert.is((await fetchWhole(made, args)).text, '2');
  assert.is(await refusalOf(fetchWhole(made, { ...args, method: 'POST' })), 'connection-terminated');
});

for (const [what, method, status] of [
  ['a HEAD', 'HEAD', 200],
  ['a 304', 'GET', 304],
  ['a 204', 'GET', 204],
] as const) {
  for (const framing of [
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ]) {
    http(
      `the body that a server sends after ${what}, ${framing.slice(0, 8)}, is none, and costs its connection`,
      async () => {
        let connections = 0;
        const { port } = await rawServer((socket) => {
          connections += 1;
          socket.on('data', () => socket.write(`HTTP/1.1 ${status} X\r\n${framing}`));
        });
        const lab = network();
        for (let each = 0; each < 2; each += 1) {
          const answer = await fetchWhole(lab, httpSend({ method, authority: `127.0.0.1:${port}` }));
          assert.equal([answer.status, answer.text], [status, '']);
        }
        assert.is(connections, 2);
      },
    );
  }
}

http('a redirect is the guest’s to follow', async () => {
  let requests = 0;
  const { port } = await server((_, response) => {
    requests += 1;
    response.writeHead(302, { Location: 'http://169.254.169.254/latest/meta-data/' }).end();
  });
  const made = network();
  const answer = await fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}` }));
  assert.equal(
    [answer.status, answer.headers['location'], requests],
    [302, 'http://169.254.169.254/latest/meta-data/', 1],
  );
  assert.is(await refusalOf(fetchWhole(made, httpSend({ authority: '169.254.169.254' }))), 'destination-IP-prohibited');
});

for (const [what, answer, code] of [
  ['closes before it answers', '', 'connection-terminated'],
  ['speaks no HTTP', 'SSH-2.0-x\r\n\r\n', 'HTTP-protocol-error'],
  ['closes within the header', 'HTTP/1.1 200 OK\r\nX-Half', 'connection-terminated'],
  ['closes within the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'HTTP-response-incomplete'],
  [
    'closes within a chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc',
    'HTTP-response-incomplete',
  ],
  [
    'sends a chunk that is none',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP-response-incomplete',
  ],
  [
    'sends a header of a megabyte',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1_000_000)}\r\n\r\n`,
    'HTTP-response-header-section-size',
  ],
  [
    'sends 300 fields',
    `HTTP/1.1 200 OK\r\n${'X: x\r\n'.repeat(300)}Content-Length: 0\r\n\r\n`,
    'HTTP-response-header-section-size',
  ],
  [
    'changes the protocol',
    'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    'HTTP-upgrade-failed',
  ],
  ['sends two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'HTTP-protocol-error'],
] as const)
  http(`a server that ${what} is ${code}, and its connection is not kept`, async () => {
    const { port } = await rawServer((socket) => {
      socket.on('data', () => socket.end(answer));
    });
    const made = network();
    assert.is(await refusalOf(fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}` }))), code);
    while (made.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  });

http('bodies have limits both ways', async () => {
  const { port } = await server((request, response) => {
    request.resume().on('error', () => {});
    response.end('x'.repeat(2000));
  });
  const made = network({ http: { requestBodyBytes: 10, responseBodyBytes: 1000 } });
  const authority = `127.0.0.1:${port}`;
  assert.is(await refusalOf(fetchWhole(made, httpSend({ authority }))), 'HTTP-response-body-size');
  const silent = await server(() => {});
  const source = memorySource(bodyOf(['x'.repeat(11)]));
  const sent = fetchWhole(made, httpSend({ method: 'POST', authority: `127.0.0.1:${silent.port}`, body: true }), {
    source,
  });
  assert.is(await refusalOf(sent), 'HTTP-request-body-size');
});

http('each wait has its limit, and a guest may ask for less but not for more', async () => {
  const silent = await rawServer(() => {});
  const half = await rawServer((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
  const made = network({ http: { firstByteMs: 30, betweenBytesMs: 30 } });
  const patient = { firstByteMs: 1e9, betweenBytesMs: 1e9 };
  const asked = (port: number, given = {}) => fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}`, ...given }));
  assert.is(await refusalOf(asked(silent.port)), 'HTTP-response-timeout');
  assert.is(await refusalOf(asked(silent.port, patient)), 'HTTP-response-timeout');
  assert.is(await refusalOf(asked(half.port, patient)), 'connection-read-timeout');
  const hurried = network();
  assert.is(
    await refusalOf(fetchWhole(hurried, httpSend({ authority: `127.0.0.1:${silent.port}`, firstByteMs: 5 }))),
    'HTTP-response-timeout',
  );
  const deaf = network(
    {},
    { connector: (_, __, ___, signal) => new Promise((_, reject) => signal.addEventListener('abort', reject)) },
  );
  const args = httpSend({ authority: '127.0.0.1:1', connectMs: 5 });
  assert.is(await refusalOf(fetchWhole(deaf, args)), 'connection-timeout');
  assert.is(deaf.connections, 0);
});

http('a server that takes none of the body is given up', async () => {
  const { port } = await rawServer((socket) => socket.pause());
  const source = memorySource(bodyOf(new Array<string>(200).fill('x'.repeat(100_000))));
  const made = network({ http: { betweenBytesMs: 30 } });
  const sent = fetchWhole(made, httpSend({ method: 'POST', authority: `127.0.0.1:${port}`, body: true }), { source });
  assert.is(await refusalOf(sent), 'connection-write-timeout');
});

http('a request that is forgotten ends its connection', async () => {
  const { port, connections } = await server((_, response) => void response.write('begun'));
  const made = network();
  const controller = new AbortController();
  const { end } = await ask(made, httpSend({ authority: `127.0.0.1:${port}` }), { signal: controller.signal });
  const closed = new Promise((resolve) => connections[0]!.once('close', resolve));
  controller.abort();
  await closed;
  assert.is(await refusalOf(end), 'HTTP-response-incomplete');
  while (made.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

http('closing the network ends its connections', async () => {
  const { port, connections } = await server((_, response) => response.end('ok'));
  const made = network();
  await fetchWhole(made, httpSend({ authority: `127.0.0.1:${port}` }));
  const closed = new Promise((resolve) => connections[0]!.once('close', resolve));
  made.close();
  await closed;
  while (made.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

for (const [what, given, code] of [
  ['no host of the grant', { authority: 'other.example' }, 'HTTP-request-denied'],
  ['a port beside the grant', { authority: 'api.example:81' }, 'HTTP-request-denied'],
  ['user information', { authority: 'api.example@127.0.0.1' }, 'HTTP-request-URI-invalid'],
  ['no authority', { authority: '' }, 'HTTP-request-URI-invalid'],
  ['a path without a slash', { authority: 'api.example', path: 'x' }, 'HTTP-request-URI-invalid'],
  ['a line break in the path', { authority: 'api.example', path: '/ HTTP/1.1\r\nX: y' }, 'HTTP-request-URI-invalid'],
  ['a path of a megabyte', { authority: 'api.example', path: `/${'x'.repeat(1e6)}` }, 'HTTP-request-URI-too-long'],
  ['CONNECT', { authority: 'api.example', method: 'CONNECT' }, 'HTTP-request-method-invalid'],
  ['a method with a space', { authority: 'api.example', method: 'GET /x' }, 'HTTP-request-method-invalid'],
  ['another scheme', { authority: 'api.example', scheme: 'ftp' }, 'HTTP-protocol-error'],
  ['a line break in a value', { authority: 'api.example', headers: [['X', utf8('a\r\nB: c')]] }, 'HTTP-protocol-error'],
  ['a line break in a name', { authority: 'api.example', headers: [['X\r\nY', utf8('a')]] }, 'HTTP-protocol-error'],
  [
    'two lengths',
    {
      authority: 'api.example',
      headers: [
        ['Content-Length', utf8('1')],
        ['content-length', utf8('2')],
      ],
    },
    'HTTP-protocol-error',
  ],
  [
    '257 fields',
    { authority: 'api.example', headers: new Array(257).fill(['X', utf8('x')]) },
    'HTTP-request-header-section-size',
  ],
  [
    'fields of 49 KiB',
    { authority: 'api.example', headers: [['X', new Uint8Array(49 * 1024).fill(65)]] },
    'HTTP-request-header-section-size',
  ],
  [
    'a length without a body',
    { authority: 'api.example', method: 'POST', headers: [['Content-Length', utf8('5')]] },
    'HTTP-request-body-size',
  ],
] as const)
  http(`a request with ${what} is ${code}, and nothing is resolved for it`, async () => {
    let asked = 0;
    const resolver = async () => {
      asked += 1;
      return ['127.0.0.1'];
    };
    const made = network({ allowedHosts: ['api.example'] }, { resolver });
    assert.is(await refusalOf(fetchWhole(made, httpSend(given as Parameters<typeof httpSend>[0]))), code);
    assert.is(asked, 0);
  });

for (const args of [null, 5, [], {}, { method: 1 }, { ...httpSend({ authority: 'a' }), headers: [[1, 2]] }])
  http(`the arguments ${JSON.stringify(args)?.slice(0, 40)} are refused`, async () => {
    assert.match(await refusalOf(ask(network(), args)), /^(internal-error|HTTP-request-URI-invalid)$/);
  });

http('TLS proves the name, also after it was resolved to another address', async () => {
  const certificate = certificateFor(['api.example', '127.0.0.1']);
  const { port } = await server((request, response) => {
    const { servername } = request.socket as unknown as { servername: string | false };
    response.end(`${servername} ${request.headers.host}`);
  }, certificate);
  const resolver = async () => ['127.0.0.1'];
  const made = network({}, { resolver, authorities: [certificate.cert] });
  const asked = (authority: string) => fetchWhole(made, httpSend({ scheme: 'https', authority }));
  assert.is((await asked(`API.example.:${port}`)).text, `api.example api.example:${port}`);
  assert.is((await asked(`127.0.0.1:${port}`)).text, `false 127.0.0.1:${port}`);
  assert.is(await refusalOf(asked(`evil.example:${port}`)), 'TLS-certificate-error');
  assert.is(
    await refusalOf(
      fetchWhole(network({}, { resolver }), httpSend({ scheme: 'https', authority: `api.example:${port}` })),
    ),
    'TLS-certificate-error',
  );
});

http('an expired certificate is refused, and so is a server without TLS', async () => {
  const certificate = certificateFor(['127.0.0.1'], { expired: true });
  const { port } = await server((_, response) => response.end(), certificate);
  const plain = await server((_, response) => response.end());
  const made = network({}, { authorities: [certificate.cert] });
  const asked = (to: number) =>
    refusalOf(fetchWhole(made, httpSend({ scheme: 'https', authority: `127.0.0.1:${to}` })));
  assert.is(await asked(port), 'TLS-certificate-error');
  assert.is(await asked(plain.port), 'TLS-protocol-error');
  while (made.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

http.run();

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { InputStream } from '../../../../runtime/wasi/io/input-stream.ts';
import type { TcpSocket } from '../../../../runtime/wasi/sockets/tcp-socket.ts';
import { text, thrown, utf8 } from '../backend.ts';
import { finished, guestOf, openSockets, v4, v6 } from './sockets-lab.ts';

const tcp = suite('sockets of TCP');
const open: (() => unknown)[] = [];

tcp.after.each(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function lab(...given: Parameters<typeof openSockets>) {
  const made = openSockets(...given);
  open.push(() => {
    made.wasi.close();
    made.network.close();
  });
  return made;
}

/** A server of this computer. */
async function server(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const listening = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => listening.close(() => resolve()));
  });
  return (listening.address() as AddressInfo).port;
}

async function connected(socket: TcpSocket, port: number) {
  socket.startConnect(null, v4(port));
  return finished(socket, () => socket.finishConnect());
}

async function bound(socket: TcpSocket, port = 0): Promise<number> {
  socket.startBind(null, v4(port));
  await finished(socket, () => socket.finishBind());
  return socket.localAddress().val.port;
}

async function readAll(stream: InputStream): Promise<string> {
  let all = '';
  try {
    for (;;) all += text(await stream.blockingRead(1000n));
  } catch (error) {
    assert.equal(error, { tag: 'closed' });
    return all;
  }
}

tcp('a guest without a network makes no socket', () => {
  const guest = guestOf(null);
  assert.is(
    thrown(() => guest.createTcpSocket('ipv4')),
    'access-denied',
  );
  assert.is(guest.wasi.handles, 0);
});

tcp('bytes flow both ways, and each side ends its own', async () => {
  let peer: { readonly port: number | undefined } | null = null;
  const port = await server((socket) => {
    peer = { port: socket.remotePort };
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk;
    });
    socket.on('end', () => socket.end(`you said ${all.length}`));
  });
  const { createTcpSocket, wasi, outside, network } = lab();
  const socket = createTcpSocket('ipv4');
  const [input, output] = await connected(socket, port);
  assert.equal(socket.remoteAddress(), v4(port));
  assert.equal(socket.localAddress(), v4(peer!.port!));
  for (let piece = 0; piece < 100; piece++) await output.blockingWriteAndFlush(new Uint8Array(4096));
  socket.shutdown('send');
  assert.is((thrown(() => output.checkWrite()) as { tag: string }).tag, 'last-operation-failed');
  assert.is(await readAll(input), 'you said 409600');
  for (const each of [input, output, socket]) each[Symbol.dispose]();
  while (outside.open > 0 || network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  // The error of the write that failed.
  assert.is(wasi.handles, 1);
});

tcp('what was written last is sent, though the guest drops everything at once', async () => {
  const got = Promise.withResolvers<string>();
  const port = await server((socket) => {
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk;
    });
    socket.on('end', () => got.resolve(all));
  });
  const { createTcpSocket, wasi } = lab();
  const socket = createTcpSocket('ipv4');
  const [input, output] = await connected(socket, port);
  output.checkWrite();
  output.write(utf8('good bye'));
  for (const each of [output, input, socket]) each[Symbol.dispose]();
  wasi.close();
  assert.is(await got.promise, 'good bye');
});

tcp('a peer that resets the connection fails the stream', async () => {
  const port = await server((socket) => socket.on('data', () => socket.resetAndDestroy()));
  const { createTcpSocket } = lab();
  const [input, output] = await connected(createTcpSocket('ipv4'), port);
  output.checkWrite();
  output.write(utf8('x'));
  try {
    await input.blockingRead(1n);
    assert.unreachable('expected it to fail');
  } catch (error) {
    assert.is((error as { tag: string }).tag, 'last-operation-failed');
  }
});

tcp('nobody there is connection-refused, and the socket is of no use any more', async () => {
  const { createTcpSocket, network } = lab();
  const socket = createTcpSocket('ipv4');
  socket.startConnect(null, v4(1));
  assert.is(
    thrown(() => socket.finishConnect()),
    'would-block',
  );
  assert.is(
    thrown(() => socket.startConnect(null, v4(1))),
    'concurrency-conflict',
  );
  assert.is(await finished(socket, () => thrown(() => socket.finishConnect())), 'connection-refused');
  assert.is(
    thrown(() => socket.finishConnect()),
    'not-in-progress',
  );
  assert.is(
    thrown(() => socket.startConnect(null, v4(1))),
    'invalid-state',
  );
  assert.is(network.connections, 0);
});

for (const [what, grant, address, code] of [
  ['an address that the grant does not name', { tcp: ['127.0.0.2:*'] }, v4(9), 'access-denied'],
  ['a port that the grant does not name', { tcp: ['127.0.0.1:10'] }, v4(9), 'access-denied'],
  ['loopback, where the policy has no word of it', { allowedRanges: [] }, v4(9), 'access-denied'],
  ['the credentials of a cloud', { allowedRanges: ['0.0.0.0/0'] }, v4(80, 169, 254, 169, 254), 'access-denied'],
] as const)
  tcp(`a connection to ${what} is ${code}`, async () => {
    const { createTcpSocket, network } = lab(grant);
    const socket = createTcpSocket('ipv4');
    socket.startConnect(null, address);
    assert.is(await finished(socket, () => thrown(() => socket.finishConnect())), code);
    assert.is(network.connections, 0);
  });

for (const [what, family, address] of [
  ['another family', 'ipv4', v6(9)],
  ['port 0', 'ipv4', v4(0)],
  ['no address', 'ipv4', v4(9, 0, 0, 0, 0)],
  ['multicast', 'ipv4', v4(9, 224, 0, 0, 1)],
  ['broadcast', 'ipv4', v4(9, 255, 255, 255, 255)],
  ['multicast of IPv6', 'ipv6', v6(9, [0xff02, 0, 0, 0, 0, 0, 0, 1])],
  ['IPv4 within IPv6', 'ipv6', v6(9, [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1])],
] as const)
  tcp(`a connection to ${what} is no argument`, () => {
    const socket = lab().createTcpSocket(family);
    assert.is(
      thrown(() => socket.startConnect(null, address)),
      'invalid-argument',
    );
  });

tcp('a guest listens, and others connect to it', async () => {
  const { createTcpSocket, wasi } = lab();
  const socket = createTcpSocket('ipv4');
  socket.setListenBacklogSize(5n);
  const port = await bound(socket);
  assert.ok(port > 0);
  assert.is(
    thrown(() => socket.accept()),
    'invalid-state',
  );
  socket.startListen();
  await finished(socket, () => socket.finishListen());
  assert.ok(socket.isListening());
  assert.is(
    thrown(() => socket.accept()),
    'would-block',
  );
  for (const round of ['first', 'second']) {
    const client = connect(port, '127.0.0.1');
    const [accepted, input, output] = await finished(socket, () => socket.accept());
    assert.equal(accepted.localAddress(), v4(port));
    assert.equal(accepted.remoteAddress(), v4(client.localPort!));
    assert.equal([accepted.addressFamily(), accepted.isListening()], ['ipv4', false]);
    client.end(round);
    assert.is(await readAll(input), round);
    output.checkWrite();
    output.write(utf8(`hello ${round}`));
    for (const each of [input, output, accepted]) each[Symbol.dispose]();
    let heard = '';
    for await (const chunk of client) heard += chunk;
    assert.is(heard, `hello ${round}`);
  }
  socket[Symbol.dispose]();
  assert.is(wasi.handles, 0);
});

tcp('nobody gets in before the guest listens, nor after its socket is gone', async () => {
  const { createTcpSocket } = lab();
  const socket = createTcpSocket('ipv4');
  const port = await bound(socket);
  const tried = () =>
    new Promise<string>((resolve) => {
      const client = connect(port, '127.0.0.1');
      client.on('error', (error) => resolve((error as { code?: string }).code ?? ''));
      client.on('close', () => resolve('closed'));
      client.resume();
    });
  assert.match(await tried(), /closed|ECONNRESET/);
  socket[Symbol.dispose]();
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.is(await tried(), 'ECONNREFUSED');
});

tcp('two guests’ sockets speak with each other, one from an address that it chose', async () => {
  const { createTcpSocket } = lab();
  const listener = createTcpSocket('ipv4');
  const port = await bound(listener);
  listener.startListen();
  await finished(listener, () => listener.finishListen());
  const client = createTcpSocket('ipv4');
  const from = await bound(client);
  const [, output] = await connected(client, port);
  const [accepted, input] = await finished(listener, () => listener.accept());
  assert.is(accepted.remoteAddress().val.port, from);
  await output.blockingWriteAndFlush(utf8('hello'));
  assert.is(text(await input.blockingRead(10n)), 'hello');
});

tcp('an address is had once', async () => {
  const { createTcpSocket } = lab();
  const port = await bound(createTcpSocket('ipv4'));
  const second = createTcpSocket('ipv4');
  second.startBind(null, v4(port));
  assert.is(
    thrown(() => second.startBind(null, v4(port))),
    'concurrency-conflict',
  );
  assert.is(await finished(second, () => thrown(() => second.finishBind())), 'address-in-use');
  assert.is(
    thrown(() => second.finishBind()),
    'not-in-progress',
  );
  assert.ok((await bound(second)) > 0);
  assert.is(
    thrown(() => second.startBind(null, v4(0))),
    'invalid-state',
  );
});

tcp('all addresses of this computer are its loopback', async () => {
  const { createTcpSocket } = lab();
  const socket = createTcpSocket('ipv4');
  socket.startBind(null, v4(0, 0, 0, 0, 0));
  await finished(socket, () => socket.finishBind());
  const { port } = socket.localAddress().val;
  assert.equal(socket.localAddress(), v4(port, 0, 0, 0, 0));
});

for (const [what, grant, address, code] of [
  ['a guest that may not listen', { listen: false }, v4(0), 'access-denied'],
  ['an address outside of its ranges', {}, v4(0, 10, 0, 0, 1), 'address-not-bindable'],
  [
    'an address that this computer has not',
    { allowedRanges: ['192.0.2.0/24'] },
    v4(0, 192, 0, 2, 1),
    'address-not-bindable',
  ],
] as const)
  tcp(`${what} binds to nothing: ${code}`, async () => {
    const socket = lab(grant).createTcpSocket('ipv4');
    socket.startBind(null, address);
    assert.is(await finished(socket, () => thrown(() => socket.finishBind())), code);
  });

tcp('IPv6 is a family of its own', async () => {
  const { createTcpSocket } = lab();
  const socket = createTcpSocket('ipv6');
  socket.startBind(null, v6(0));
  await finished(socket, () => socket.finishBind());
  assert.equal(socket.localAddress(), v6(socket.localAddress().val.port));
  assert.is(socket.addressFamily(), 'ipv6');
});

tcp('options are what the guest set, and none is 0', () => {
  const socket = lab().createTcpSocket('ipv4');
  socket.setKeepAliveEnabled(true);
  socket.setKeepAliveIdleTime(1n);
  socket.setKeepAliveInterval(2n);
  socket.setKeepAliveCount(3);
  socket.setHopLimit(4);
  socket.setReceiveBufferSize(5n);
  socket.setSendBufferSize(6n);
  assert.equal(
    [
      socket.keepAliveEnabled(),
      socket.keepAliveIdleTime(),
      socket.keepAliveInterval(),
      socket.keepAliveCount(),
      socket.hopLimit(),
      socket.receiveBufferSize(),
      socket.sendBufferSize(),
    ],
    [true, 1n, 2n, 3, 4, 5n, 6n],
  );
  for (const set of [
    () => socket.setKeepAliveIdleTime(0n),
    () => socket.setKeepAliveInterval(0n),
    () => socket.setKeepAliveCount(0),
    () => socket.setHopLimit(0),
    () => socket.setReceiveBufferSize(0n),
    () => socket.setSendBufferSize(0n),
    () => socket.setListenBacklogSize(0n),
  ])
    assert.is(thrown(set), 'invalid-argument');
});

tcp('what an unbound socket cannot do is invalid-state or not-in-progress', () => {
  const socket = lab().createTcpSocket('ipv4');
  for (const call of [
    () => socket.startListen(),
    () => socket.accept(),
    () => socket.localAddress(),
    () => socket.remoteAddress(),
    () => socket.shutdown('both'),
  ])
    assert.is(thrown(call), 'invalid-state');
  for (const call of [() => socket.finishBind(), () => socket.finishConnect(), () => socket.finishListen()])
    assert.is(thrown(call), 'not-in-progress');
  assert.ok(socket.subscribe().ready());
});

tcp('the end of the invocation ends connections, bindings and what is under way', async () => {
  const closed = Promise.withResolvers<void>();
  const port = await server((socket) =>
    socket
      .resume()
      .on('close', () => closed.resolve())
      .on('end', () => socket.end()),
  );
  const { createTcpSocket, wasi, outside, network } = lab();
  const [input] = await connected(createTcpSocket('ipv4'), port);
  const listener = createTcpSocket('ipv4');
  await bound(listener);
  listener.startListen();
  await finished(listener, () => listener.finishListen());
  createTcpSocket('ipv4').startConnect(null, v4(port));
  wasi.close();
  await closed.promise;
  while (outside.open > 0 || network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(
    thrown(() => input.read(1n)),
    { tag: 'closed' },
  );
});

tcp('a function has no more sockets than its budget', async () => {
  const port = await server(() => {});
  const { createTcpSocket, network } = lab({ connections: 2 });
  await connected(createTcpSocket('ipv4'), port);
  const listener = createTcpSocket('ipv4');
  const at = await bound(listener);
  listener.startListen();
  await finished(listener, () => listener.finishListen());
  const clients = [0, 1, 2].map(() => connect(at, '127.0.0.1'));
  const ends = clients.map(
    (client) =>
      new Promise((resolve) =>
        client
          .on('error', () => {})
          .resume()
          .on('close', resolve),
      ),
  );
  await Promise.race(ends);
  assert.is(network.connections, 2);
  for (const client of clients) client.destroy();
});

tcp.run();

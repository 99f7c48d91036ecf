import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutsideNetwork } from '../../../../../runtime/agent/outside/network.ts';
import { socketInterfaces3 } from '../../../../../runtime/wasi/p3/sockets/sockets.ts';
import type { TcpSocket3 } from '../../../../../runtime/wasi/p3/sockets/tcp-socket.ts';
import type { UdpSocket3 } from '../../../../../runtime/wasi/p3/sockets/udp-socket.ts';
import type { IpSocketAddress } from '../../../../../runtime/wasi/sockets/address.ts';
import { DirectOutside } from '../../../../support/direct-outside.ts';
import { openTestNetwork } from '../../../outside/network/network-lab.ts';
import { text, thrown, utf8 } from '../../backend.ts';
import { collect, FakeStream, seatWith } from '../guest-parts.ts';

const sockets = suite('wasi:sockets 0.3');

const loopback = (port = 0): IpSocketAddress => ({ tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } });
const OK = { tag: 'ok', val: undefined };
const INVALID_STATE = { tag: 'invalid-state' };
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.unreachable('expected an error'),
    (code: unknown) => code,
  );

/** The interfaces over a real network that may reach loopback; `end` closes it, and says what was left open. */
function open() {
  const network = openTestNetwork(
    { sockets: { tcp: ['*:*'], udp: ['*:*'], lookup: true, listen: true } },
    { resolver: async (name) => (name === 'two.example' ? ['127.0.0.1', '127.0.0.2'] : []) },
  );
  const outside = new DirectOutside(network.services);
  const seat = seatWith({ network: new OutsideNetwork(outside) });
  const { TcpSocket, UdpSocket } = socketInterfaces3(seat)['wasi:sockets/types@0.3'];
  const { resolveAddresses } = socketInterfaces3(seat)['wasi:sockets/ip-name-lookup@0.3'];
  const end = () => {
    seat.context.close();
    network.close();
  };
  return { seat, outside, TcpSocket, UdpSocket, resolveAddresses, end };
}

const received = async (socket: UdpSocket3) => {
  const [data, peer] = await socket.receive();
  return [text(data), peer];
};

sockets('without a network are denied, and so are names', async () => {
  const seat = seatWith();
  const { TcpSocket, UdpSocket } = socketInterfaces3(seat)['wasi:sockets/types@0.3'];
  assert.equal(
    thrown(() => TcpSocket.create('ipv4')),
    { tag: 'access-denied' },
  );
  assert.equal(
    thrown(() => UdpSocket.create('ipv6')),
    { tag: 'access-denied' },
  );
  const { resolveAddresses } = socketInterfaces3(seat)['wasi:sockets/ip-name-lookup@0.3'];
  assert.equal(await codeOf(resolveAddresses('a.example')), { tag: 'access-denied' });
  assert.is(seat.context.handles, 0);
});

sockets('of TCP carry streams in both directions, and each direction once', async () => {
  const { seat, TcpSocket, outside, end } = open();
  const [listener, client] = [TcpSocket.create('ipv4'), TcpSocket.create('ipv4')];
  listener.setHopLimit(42);
  await listener.bind(loopback());
  const accepted = (await listener.listen())[Symbol.asyncIterator]();
  assert.is(listener.getIsListening(), true);
  const peers = accepted.next();
  await client.connect(listener.getLocalAddress());
  const server = (await peers).value as TcpSocket3;
  assert.is(server.getHopLimit(), 42);
  assert.equal(server.getRemoteAddress(), client.getLocalAddress());

  const [received, ended] = server.receive();
  const sent = client.send(new FakeStream('hel', 'lo'));
  assert.is(await collect(received), 'hello');
  assert.equal([await sent, await ended], [OK, OK]);
  assert.equal(await client.send(new FakeStream('more')), { tag: 'err', val: INVALID_STATE });
  assert.equal(await server.receive()[1], { tag: 'err', val: INVALID_STATE });

  // The socket is gone, its direction goes on.
  const answer = server.send(new FakeStream('bye'));
  server[Symbol.dispose]();
  assert.is(await collect(client.receive()[0]), 'bye');
  assert.equal(await answer, OK);
  client[Symbol.dispose]();
  listener[Symbol.dispose]();
  await accepted.return?.();
  while (outside.open > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.is(seat.context.handles, 0);
  end();
});

sockets('of TCP tell what is wrong', async () => {
  const { TcpSocket, end } = open();
  const [one, two] = [TcpSocket.create('ipv4'), TcpSocket.create('ipv4')];
  assert.equal(
    thrown(() => one.getLocalAddress()),
    INVALID_STATE,
  );
  assert.equal(
    thrown(() => one.getRemoteAddress()),
    INVALID_STATE,
  );
  assert.equal(await one.send(new FakeStream('x')), { tag: 'err', val: INVALID_STATE });
  assert.equal(
    await codeOf(
      one.bind({ tag: 'ipv6', val: { port: 0, flowInfo: 0, scopeId: 0, address: [0, 0, 0, 0, 0, 0, 0, 1] } }),
    ),
    {
      tag: 'invalid-argument',
    },
  );
  assert.equal(await codeOf(one.connect(loopback(0))), { tag: 'invalid-argument' });
  await one.bind(loopback());
  assert.equal(await codeOf(one.bind(loopback())), INVALID_STATE);
  await one.listen();
  assert.equal(await codeOf(one.listen()), INVALID_STATE);
  assert.equal(await codeOf(one.connect(loopback(1))), INVALID_STATE);
  assert.equal(await codeOf(two.bind(one.getLocalAddress())), { tag: 'address-in-use' });
  await two.bind(loopback());
  const free = two.getLocalAddress();
  two[Symbol.dispose]();
  assert.equal(await codeOf(TcpSocket.create('ipv4').connect(free)), { tag: 'connection-refused' });
  end();
});

for (const [set, bad] of [
  ['setListenBacklogSize', 0n],
  ['setKeepAliveIdleTime', 0n],
  ['setKeepAliveInterval', 0n],
  ['setKeepAliveCount', 0],
  ['setHopLimit', 0],
  ['setReceiveBufferSize', 0n],
  ['setSendBufferSize', 0n],
] as const) {
  sockets(`${set} refuses ${bad} and keeps what else it is told`, () => {
    const { TcpSocket, end } = open();
    const socket = TcpSocket.create('ipv6') as unknown as Record<string, (value?: unknown) => unknown>;
    assert.equal(
      thrown(() => socket[set]!(bad)),
      { tag: 'invalid-argument' },
    );
    const value = typeof bad === 'bigint' ? 42n : 42;
    socket[set]!(value);
    const get = set.replace('set', 'get');
    if (get in socket) assert.is(socket[get]!(), value);
    end();
  });
}

sockets('that are dropped while they connect, or whose instance ends, leave nothing open', async () => {
  const { seat, TcpSocket, outside, end } = open();
  const listener = TcpSocket.create('ipv4');
  await listener.bind(loopback());
  const accepted = (await listener.listen())[Symbol.asyncIterator]();
  const pending = accepted.next();
  await accepted.return!();
  assert.equal(await pending, { value: undefined, done: true });
  seat.context.close();
  assert.is(outside.open, 0);
  end();
});

sockets('of UDP send and receive, bound to an address of their own when they have none', async () => {
  const { seat, UdpSocket, end } = open();
  const [server, client, other] = [UdpSocket.create('ipv4'), UdpSocket.create('ipv4'), UdpSocket.create('ipv4')];
  assert.equal(await codeOf(client.receive()), INVALID_STATE);
  assert.equal(
    thrown(() => client.disconnect()),
    INVALID_STATE,
  );
  assert.equal(await codeOf(client.send(utf8('x'), undefined)), { tag: 'invalid-argument' });
  await server.bind(loopback());
  await client.connect(server.getLocalAddress());
  assert.equal(client.getRemoteAddress(), server.getLocalAddress());
  await client.send(utf8('hello'), undefined);
  assert.equal(await received(server), ['hello', client.getLocalAddress()]);

  // Only its peer is heard.
  await other.send(utf8('noise'), client.getLocalAddress());
  await server.send(utf8('answer'), client.getLocalAddress());
  assert.equal(await received(client), ['answer', server.getLocalAddress()]);
  assert.equal(await codeOf(client.send(utf8('x'), other.getLocalAddress())), { tag: 'invalid-argument' });
  client.disconnect();
  assert.equal(await codeOf(client.send(new Uint8Array(65_508), loopback(9))), { tag: 'datagram-too-large' });
  for (const socket of [server, client, other]) socket[Symbol.dispose]();
  assert.is(seat.context.handles, 0);
  end();
});

sockets('look up names', async () => {
  const { resolveAddresses, end } = open();
  assert.equal(await resolveAddresses('two.example'), [
    { tag: 'ipv4', val: [127, 0, 0, 1] },
    { tag: 'ipv4', val: [127, 0, 0, 2] },
  ]);
  assert.equal(await codeOf(resolveAddresses('none.example')), { tag: 'name-unresolvable' });
  assert.equal(await codeOf(resolveAddresses('')), { tag: 'invalid-argument' });
  end();
});

sockets.run();

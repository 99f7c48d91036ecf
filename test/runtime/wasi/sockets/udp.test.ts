import { createSocket, type Socket } from 'node:dgram';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestTrap } from '../../../../runtime/wasi/index.ts';
import type { IncomingDatagram, IncomingDatagramStream } from '../../../../runtime/wasi/sockets/datagram-streams.ts';
import type { UdpSocket } from '../../../../runtime/wasi/sockets/udp-socket.ts';
import { text, thrown, utf8 } from '../backend.ts';
import { finished, guestOf, openSockets, v4, v6 } from './sockets-lab.ts';

const udp = suite('sockets of UDP');
const open: (() => unknown)[] = [];

udp.after.each(() => {
  for (const close of open.splice(0).reverse()) close();
});

function lab(...given: Parameters<typeof openSockets>) {
  const made = openSockets(...given);
  open.push(() => {
    made.wasi.close();
    made.network.close();
  });
  return made;
}

/** A socket of this computer that answers each datagram. */
async function echo(): Promise<{ readonly port: number; readonly socket: Socket }> {
  const socket = createSocket('udp4');
  socket.on('message', (data, { port, address }) => socket.send(`echo ${data}`, port, address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  open.push(() => socket.close());
  return { port: socket.address().port, socket };
}

async function bound(socket: UdpSocket, address = v4(0)): Promise<number> {
  socket.startBind(null, address);
  await finished(socket, () => socket.finishBind());
  return socket.localAddress().val.port;
}

async function receive(incoming: IncomingDatagramStream): Promise<IncomingDatagram> {
  const [first] = await finished(incoming, () => incoming.receive(1n));
  return first!;
}

udp('a guest without a network makes no socket', () => {
  assert.is(
    thrown(() => guestOf(null).createUdpSocket('ipv4')),
    'access-denied',
  );
});

udp('datagrams go and come, each with its peer', async () => {
  const { port } = await echo();
  const { createUdpSocket, outside, network, wasi } = lab();
  const socket = createUdpSocket('ipv4');
  const local = await bound(socket, v4(0, 0, 0, 0, 0));
  assert.equal(socket.localAddress(), v4(local, 0, 0, 0, 0));
  const [incoming, outgoing] = socket.stream(undefined);
  assert.equal(incoming.receive(5n), []);
  assert.ok(outgoing.checkSend() >= 2n);
  assert.is(
    outgoing.send([
      { data: utf8('one'), remoteAddress: v4(port) },
      { data: utf8(''), remoteAddress: v4(port) },
    ]),
    2n,
  );
  const got = [await receive(incoming), await receive(incoming)];
  assert.equal(got.map(({ data }) => text(data)).sort(), ['echo ', 'echo one']);
  assert.equal(got[0]!.remoteAddress, v4(port));
  for (const each of [incoming, outgoing, socket]) each[Symbol.dispose]();
  assert.is(wasi.handles, 0);
  while (outside.open > 0 || network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

udp('a connected socket hears its peer alone, and sends to no other', async () => {
  const [one, other] = [await echo(), await echo()];
  const { createUdpSocket } = lab();
  const socket = createUdpSocket('ipv4');
  const local = await bound(socket);
  assert.is(
    thrown(() => socket.remoteAddress()),
    'invalid-state',
  );
  const [incoming, outgoing] = socket.stream(v4(one.port));
  assert.equal(socket.remoteAddress(), v4(one.port));
  await new Promise((resolve) => other.socket.send('intruder', local, '127.0.0.1', resolve));
  outgoing.checkSend();
  assert.is(
    thrown(() => outgoing.send([{ data: utf8('x'), remoteAddress: v4(other.port) }])),
    'invalid-argument',
  );
  outgoing.checkSend();
  outgoing.send([{ data: utf8('x'), remoteAddress: undefined }]);
  let got: IncomingDatagram | undefined;
  while (got === undefined) [got] = await finished(incoming, () => incoming.receive(1n));
  assert.is(text(got.data), 'echo x');
});

udp('other streams take the place of the first', async () => {
  const { port } = await echo();
  const socket = lab().createUdpSocket('ipv4');
  await bound(socket);
  const [before, sender] = socket.stream(undefined);
  const [incoming, outgoing] = socket.stream(v4(port));
  assert.is(
    thrown(() => before.receive(1n)),
    'invalid-state',
  );
  assert.is(
    thrown(() => sender.checkSend()),
    'invalid-state',
  );
  assert.ok(before.subscribe().ready());
  outgoing.checkSend();
  outgoing.send([{ data: utf8('x'), remoteAddress: undefined }]);
  assert.is(text((await receive(incoming)).data), 'echo x');
});

udp('datagrams of the largest size go through, one larger does not', async () => {
  const { port } = await echo();
  const socket = lab().createUdpSocket('ipv4');
  await bound(socket);
  const [incoming, outgoing] = socket.stream(v4(port));
  outgoing.checkSend();
  const sent = outgoing.send([
    { data: new Uint8Array(65_502).fill(65), remoteAddress: undefined },
    { data: new Uint8Array(65_508), remoteAddress: undefined },
  ]);
  assert.is(sent, 1n);
  assert.is((await receive(incoming)).data.length, 65_507);
  await outgoing.subscribe().block();
  outgoing.checkSend();
  const big = { data: new Uint8Array(65_508), remoteAddress: undefined };
  assert.is(
    thrown(() => outgoing.send([big])),
    'datagram-too-large',
  );
});

udp('a guest sends no more than it asked for', async () => {
  const socket = lab().createUdpSocket('ipv4');
  await bound(socket);
  const [, outgoing] = socket.stream(v4(9));
  assert.instance(
    thrown(() => outgoing.send([{ data: utf8('x'), remoteAddress: undefined }])),
    GuestTrap,
  );
  outgoing.checkSend();
  const many = new Array(1000).fill({ data: utf8('x'), remoteAddress: undefined });
  assert.instance(
    thrown(() => outgoing.send(many)),
    GuestTrap,
  );
});

for (const [what, remote] of [
  ['nobody', undefined],
  ['port 0', v4(0)],
  ['another family', v6(9)],
  ['no address', v4(9, 0, 0, 0, 0)],
] as const)
  udp(`a datagram to ${what} is no argument`, async () => {
    const socket = lab().createUdpSocket('ipv4');
    await bound(socket);
    const [, outgoing] = socket.stream(undefined);
    outgoing.checkSend();
    assert.is(
      thrown(() => outgoing.send([{ data: utf8('x'), remoteAddress: remote }])),
      'invalid-argument',
    );
  });

udp('what the grant or the policy does not allow is lost, in and out', async () => {
  const [granted, other] = [await echo(), await echo()];
  let heard = 0;
  other.socket.on('message', () => {
    heard += 1;
  });
  const { createUdpSocket } = lab({ udp: [`127.0.0.1:${granted.port}`] });
  const socket = createUdpSocket('ipv4');
  const local = await bound(socket);
  const [incoming, outgoing] = socket.stream(undefined);
  await new Promise((resolve) => other.socket.send('intruder', local, '127.0.0.1', resolve));
  outgoing.checkSend();
  outgoing.send([
    { data: utf8('lost'), remoteAddress: v4(other.port) },
    { data: utf8('lost'), remoteAddress: v4(80, 169, 254, 169, 254) },
    { data: utf8('kept'), remoteAddress: v4(granted.port) },
  ]);
  assert.is(text((await receive(incoming)).data), 'echo kept');
  assert.equal([incoming.receive(9n), heard], [[], 0]);
});

for (const [what, grant, address, code] of [
  ['a port, for a guest that may not listen', { listen: false }, v4(0), 'access-denied'],
  ['an address outside of its ranges', {}, v4(0, 10, 0, 0, 1), 'address-not-bindable'],
] as const)
  udp(`to bind to ${what} is ${code}`, async () => {
    const socket = lab(grant).createUdpSocket('ipv4');
    socket.startBind(null, address);
    assert.is(
      thrown(() => socket.startBind(null, address)),
      'concurrency-conflict',
    );
    assert.is(
      thrown(() => socket.finishBind()),
      'would-block',
    );
    assert.is(await finished(socket, () => thrown(() => socket.finishBind())), code);
    assert.is(
      thrown(() => socket.finishBind()),
      'not-in-progress',
    );
  });

udp('a guest that may not listen still asks others', async () => {
  const { port } = await echo();
  const socket = lab({ listen: false }).createUdpSocket('ipv4');
  await bound(socket, v4(0, 0, 0, 0, 0));
  const [incoming, outgoing] = socket.stream(v4(port));
  outgoing.checkSend();
  outgoing.send([{ data: utf8('x'), remoteAddress: undefined }]);
  assert.is(text((await receive(incoming)).data), 'echo x');
});

udp('an address is had once', async () => {
  const { createUdpSocket, network } = lab();
  const port = await bound(createUdpSocket('ipv4'));
  const second = createUdpSocket('ipv4');
  second.startBind(null, v4(port));
  assert.is(await finished(second, () => thrown(() => second.finishBind())), 'address-in-use');
  while (network.connections > 1) await new Promise((resolve) => setImmediate(resolve));
});

udp('options are what the guest set, and none is 0', () => {
  const socket = lab().createUdpSocket('ipv6');
  socket.setUnicastHopLimit(1);
  socket.setReceiveBufferSize(2n);
  socket.setSendBufferSize(3n);
  assert.equal(
    [socket.unicastHopLimit(), socket.receiveBufferSize(), socket.sendBufferSize(), socket.addressFamily()],
    [1, 2n, 3n, 'ipv6'],
  );
  for (const set of [
    () => socket.setUnicastHopLimit(0),
    () => socket.setReceiveBufferSize(0n),
    () => socket.setSendBufferSize(0n),
  ])
    assert.is(thrown(set), 'invalid-argument');
  for (const call of [() => socket.stream(undefined), () => socket.localAddress(), () => socket.remoteAddress()])
    assert.is(thrown(call), 'invalid-state');
  assert.is(
    thrown(() => socket.finishBind()),
    'not-in-progress',
  );
});

udp('the end of the invocation ends the socket', async () => {
  const { createUdpSocket, wasi, outside, network } = lab();
  await bound(createUdpSocket('ipv4'));
  createUdpSocket('ipv4').startBind(null, v4(0));
  wasi.close();
  while (outside.open > 0 || network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

udp.run();

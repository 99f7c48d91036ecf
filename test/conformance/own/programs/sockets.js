// wasi:sockets: a program that speaks with itself over the loopback, and asks for what it may not have.
import stderrModule from 'wasi:cli/stderr@0.2.12';
import stdoutModule from 'wasi:cli/stdout@0.2.12';
import instanceModule from 'wasi:sockets/instance-network@0.2.12';
import lookupModule from 'wasi:sockets/ip-name-lookup@0.2.12';
import tcpModule from 'wasi:sockets/tcp@0.2.12';
import tcpCreateModule from 'wasi:sockets/tcp-create-socket@0.2.12';
import udpModule from 'wasi:sockets/udp@0.2.12';
import udpCreateModule from 'wasi:sockets/udp-create-socket@0.2.12';
import { equal, fails, ok, report, text, utf8, watched } from './check.js';

const { getStdout } = stdoutModule;
const { getStderr } = stderrModule;
const { instanceNetwork } = watched('wasi:sockets/instance-network', instanceModule);
const { resolveAddresses } = watched('wasi:sockets/ip-name-lookup', lookupModule);
const { createTcpSocket } = watched('wasi:sockets/tcp-create-socket', tcpCreateModule);
const { createUdpSocket } = watched('wasi:sockets/udp-create-socket', udpCreateModule);
watched('wasi:sockets/tcp', tcpModule);
watched('wasi:sockets/udp', udpModule);

// When it runs: what runs as it is built has no host.
let network;
const LOOPBACK = [127, 0, 0, 1];
const ANY_PORT = { tag: 'ipv4', val: { port: 0, address: LOOPBACK } };
const OF_IPV6 = { tag: 'ipv6', val: { port: 0, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 1], scopeId: 0 } };
const ELSEWHERE = { tag: 'ipv4', val: { port: 80, address: [192, 0, 2, 1] } };

/** Waits until something of a socket is over, and gives what came of it. */
function done(socket, finish) {
  socket.subscribe().block();
  return finish();
}

function listening() {
  const server = createTcpSocket('ipv4');
  fails('not-in-progress', () => server.finishBind());
  fails('invalid-argument', () => server.startBind(network, OF_IPV6));
  server.startBind(network, ANY_PORT);
  fails('concurrency-conflict', () => server.startBind(network, ANY_PORT));
  done(server, () => server.finishBind());
  server.setListenBacklogSize(4);
  fails('invalid-argument', () => server.setListenBacklogSize(0));
  fails('not-in-progress', () => server.finishListen());
  server.startListen();
  done(server, () => server.finishListen());
  ok(server.isListening(), 'it listens');
  return server;
}

const parts = {
  names() {
    network = instanceNetwork();
    const stream = resolveAddresses(network, '127.0.0.1');
    stream.subscribe().block();
    equal(stream.resolveNextAddress(), { tag: 'ipv4', val: LOOPBACK }, 'a name that is an address');
    equal(stream.resolveNextAddress() ?? null, null, 'and no other');
    fails('invalid-argument', () => resolveAddresses(network, ''));
  },
  options() {
    const socket = createTcpSocket('ipv4');
    equal(socket.addressFamily(), 'ipv4', 'the family');
    for (const [name, value] of [
      ['KeepAliveEnabled', true],
      ['KeepAliveIdleTime', 5_000_000_000],
      ['KeepAliveInterval', 2_000_000_000],
      ['KeepAliveCount', 3],
      ['HopLimit', 42],
      ['ReceiveBufferSize', 65_536],
      ['SendBufferSize', 65_536],
    ]) {
      const get = `${name[0].toLowerCase()}${name.slice(1)}`;
      socket[get]();
      socket[`set${name}`](value);
      equal(socket[get](), value, get);
      if (value !== true) fails('invalid-argument', () => socket[`set${name}`](0), `${get} of 0`);
    }
    fails('invalid-state', () => socket.localAddress());
    fails('invalid-state', () => socket.remoteAddress());
    ok(!socket.isListening(), 'it does not listen');
  },
  stream() {
    const server = listening();
    const address = server.localAddress();
    ok(address.val.port > 0, 'a port of its own');
    fails('would-block', () => server.accept());
    const client = createTcpSocket('ipv4');
    fails('not-in-progress', () => client.finishConnect());
    fails('invalid-state', () => client.shutdown('both'));
    client.startConnect(network, address);
    const [clientInput, clientOutput] = done(client, () => client.finishConnect());
    const [accepted, input, output] = done(server, () => server.accept());
    equal(client.remoteAddress(), address, 'whom it reached');
    equal(accepted.remoteAddress(), client.localAddress(), 'who reached it');
    clientOutput.blockingWriteAndFlush(utf8('there'));
    equal(text(input.blockingRead(100)), 'there', 'what comes');
    output.blockingWriteAndFlush(utf8('and back'));
    equal(text(clientInput.blockingRead(100)), 'and back', 'what comes back');
    client.shutdown('send');
    fails('closed', () => input.blockingRead(100), 'the end');
    fails('invalid-state', () => client.startConnect(network, address));
  },
  refusals() {
    const server = listening();
    const address = server.localAddress();
    server[Symbol.dispose]();
    const late = createTcpSocket('ipv4');
    late.startConnect(network, address);
    fails('connection-refused', () => done(late, () => late.finishConnect()));
    const away = createTcpSocket('ipv4');
    away.startConnect(network, ELSEWHERE);
    fails('access-denied', () => done(away, () => away.finishConnect()));
    fails('invalid-state', () => createTcpSocket('ipv4').startListen());
  },
  datagrams() {
    const [one, other] = [createUdpSocket('ipv4'), createUdpSocket('ipv4')];
    equal(one.addressFamily(), 'ipv4', 'the family');
    fails('invalid-state', () => one.stream(undefined));
    fails('not-in-progress', () => one.finishBind());
    for (const socket of [one, other]) {
      socket.startBind(network, ANY_PORT);
      done(socket, () => socket.finishBind());
    }
    for (const [name, value] of [
      ['UnicastHopLimit', 42],
      ['ReceiveBufferSize', 65_536],
      ['SendBufferSize', 65_536],
    ]) {
      const get = `${name[0].toLowerCase()}${name.slice(1)}`;
      one[get]();
      one[`set${name}`](value);
      equal(one[get](), value, get);
      fails('invalid-argument', () => one[`set${name}`](0), `${get} of 0`);
    }
    fails('invalid-state', () => one.remoteAddress());
    const [, outgoing] = one.stream(other.localAddress());
    equal(one.remoteAddress(), other.localAddress(), 'its only peer');
    const [incoming, answers] = other.stream(undefined);
    equal([...incoming.receive(4)], [], 'nothing yet');
    outgoing.subscribe().block();
    ok(outgoing.checkSend() >= 2, 'room');
    equal(outgoing.send([{ data: utf8('a'), remoteAddress: undefined }]), 1, 'how many went');
    incoming.subscribe().block();
    const [{ data, remoteAddress }] = incoming.receive(4);
    equal([text(data), remoteAddress], ['a', one.localAddress()], 'what came, of whom');
    answers.checkSend();
    fails('invalid-argument', () => answers.send([{ data: utf8('to whom?'), remoteAddress: undefined }]));
  },
};

export const run = {
  run() {
    if (!report(parts, { getStdout, getStderr })) throw new Error('a part failed');
  },
};

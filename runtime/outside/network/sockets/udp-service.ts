import { createSocket, type Socket } from 'node:dgram';
import type { OutsideRequest, OutsideService } from '../../outside-service.ts';
import type { ConnectionBudget } from '../connection-budget.ts';
import type { Dialer } from '../dialer.ts';
import { formatIp, parseIp } from '../ip-address.ts';
import { decodeDatagram, encodeDatagram, MAX_DATAGRAM_RECORD, type SocketBind } from '../messages.ts';
import { RecordReader, recordOf, recordRoom } from '../record.ts';
import { SocketArgs } from './socket-args.ts';
import type { SocketGate } from './socket-gate.ts';
import { asSocketRefusal, socketRefusal } from './socket-refusal.ts';
import { bindable } from './tcp-services.ts';
import { untilForgotten } from './until-forgotten.ts';

/**
 * The service `udp.bind`: a socket of UDP, its datagrams as records in both directions. What the grant or the policy does not allow is lost
 * on its way, in or out, and so is what the guest has no room for.
 */
export function udpBind(gate: SocketGate, dialer: Dialer, budget: ConnectionBudget): OutsideService {
  return async (outside) => {
    try {
      const { address, port } = new SocketArgs(outside.args).end('local');
      const anywhere = port === 0 && address.every((byte) => byte === 0);
      // From any address and port a function may only ask, and hear from whom it may ask.
      const place = anywhere ? address : bindable({ address, port }, gate, dialer);
      if (!budget.tryTake())
        throw socketRefusal('new-socket-limit', `the function has its ${budget.limit} connections`);
      const socket = await bound(formatIp(place), port, budget);
      receive(socket, outside, gate);
      void send(socket, outside, gate);
      const value: SocketBind = { local: { address, port: socket.address().port } };
      return { value, end: untilForgotten(outside.signal, () => close(socket)) };
    } catch (error) {
      throw asSocketRefusal(error);
    }
  };
}

function bound(address: string, port: number, budget: ConnectionBudget): Promise<Socket> {
  const v6 = address.includes(':');
  const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6 });
  socket.once('close', () => budget.release());
  return new Promise((resolve, reject) => {
    // Stays for the socket's life: an error that nobody hears ends the program.
    socket.on('error', (error) => {
      close(socket);
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => resolve(socket));
  });
}

function receive(socket: Socket, { sink }: OutsideRequest, gate: SocketGate): void {
  socket.on('message', (data, { address, port }) => {
    const bytes = parseIp(address);
    if (bytes === null || !gate.reaches('udp', { address: bytes, port })) return;
    const datagram = encodeDatagram({ address: bytes, port }, data);
    try {
      if (recordRoom(sink) >= datagram.length) sink.write(recordOf(datagram));
    } catch {
      // The guest hears nothing any more.
      close(socket);
    }
  });
}

async function send(socket: Socket, { source, signal }: OutsideRequest, gate: SocketGate): Promise<void> {
  const records = new RecordReader(source);
  try {
    while (!signal.aborted) {
      const record = await records.whole(MAX_DATAGRAM_RECORD);
      if (record === null) return;
      const datagram = decodeDatagram(record);
      if (datagram === null || !gate.reaches('udp', datagram.peer)) continue;
      const { address, port } = datagram.peer;
      // A failed datagram is a lost one.
      await new Promise<void>((resolve) => socket.send(datagram.data, port, formatIp(address), () => resolve()));
    }
  } catch {
    // The sandbox is lost, or the socket closed: the request ends by its signal.
  }
}

function close(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was closed before.
  }
}

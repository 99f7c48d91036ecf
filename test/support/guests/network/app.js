// Reaches out as its request says. /fetch?AUTHORITY forwards method, x-fields, body and trailers, and streams the answer back;
// /tcp?PORT sends the body to loopback and answers with what came back; /udp?PORT likewise, one datagram; /lookup?NAME; /upload?AUTHORITY/BYTES.
import { handle } from 'wasi:http/outgoing-handler@0.2.12';
import http from 'wasi:http/types@0.2.12';
import { instanceNetwork } from 'wasi:sockets/instance-network@0.2.12';
import { resolveAddresses } from 'wasi:sockets/ip-name-lookup@0.2.12';
import { createTcpSocket } from 'wasi:sockets/tcp-create-socket@0.2.12';
import { createUdpSocket } from 'wasi:sockets/udp-create-socket@0.2.12';

const { Fields, IncomingBody, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam } = http;

/** What one blocking write may carry, by the rules of wasi:io. */
const MAX_WRITE_BYTES = 4096;

const utf8 = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const text = (bytes) => String.fromCharCode(...bytes);
const drop = (...resources) => {
  for (const each of resources) each[Symbol.dispose]();
};
const reasonOf = (error) => error?.payload ?? error;

function write(stream, bytes) {
  for (let at = 0; at < bytes.length; at += MAX_WRITE_BYTES) {
    stream.blockingWriteAndFlush(bytes.subarray(at, at + MAX_WRITE_BYTES));
  }
}

function eachChunk(stream, take) {
  for (;;) {
    let chunk;
    try {
      chunk = stream.blockingRead(16384);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === 'closed' || reason?.tag === 'closed') return;
      throw error;
    }
    take(Uint8Array.from(chunk));
  }
}

function begin(out, status, headers = new Fields()) {
  const response = new OutgoingResponse(headers);
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  return { body, stream: body.write() };
}

function reply(out, status, words) {
  const { body, stream } = begin(out, status);
  write(stream, utf8(words));
  drop(stream);
  OutgoingBody.finish(body, undefined);
}

function waitFor(of) {
  const pollable = of.subscribe();
  pollable.block();
  drop(pollable);
}

/** The future's response; throws its error code. */
function responseOf(future) {
  waitFor(future);
  const outcome = future.get();
  drop(future);
  if (outcome.val.tag === 'err') throw outcome.val.val;
  return outcome.val.val;
}

function requestTo(target, method, headers) {
  const slash = target.indexOf('/');
  const request = new OutgoingRequest(headers);
  request.setMethod(method);
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(slash < 0 ? target : target.slice(0, slash));
  request.setPathWithQuery(slash < 0 ? '/' : target.slice(slash));
  return request;
}

function forward(incoming, target, out) {
  const given = incoming.headers();
  const request = requestTo(
    target,
    incoming.method(),
    Fields.fromList(given.entries().filter(([name]) => name.startsWith('x-'))),
  );
  drop(given);
  const sent = request.body();
  const future = handle(request, undefined);
  const to = sent.write();
  const body = incoming.consume();
  const from = body.stream();
  eachChunk(from, (chunk) => write(to, chunk));
  drop(from, to);
  IncomingBody.finish(body);
  OutgoingBody.finish(sent, undefined);
  const response = responseOf(future);
  const headers = response.headers();
  const answer = begin(
    out,
    response.status(),
    Fields.fromList(headers.entries().filter(([name]) => /^x-|^location/i.test(name))),
  );
  drop(headers);
  const received = response.consume();
  const stream = received.stream();
  eachChunk(stream, (chunk) => write(answer.stream, chunk));
  drop(stream);
  const trailers = IncomingBody.finish(received);
  waitFor(trailers);
  const came = trailers.get().val;
  drop(trailers, response, answer.stream);
  if (came.tag === 'err') throw came.val;
  OutgoingBody.finish(answer.body, came.val && Fields.fromList(came.val.entries()));
}

/** Sends more bytes than a function may give at once. */
function upload(target, bytes, out) {
  const request = requestTo(target, { tag: 'post' }, new Fields());
  const body = request.body();
  const future = handle(request, undefined);
  const stream = body.write();
  const piece = new Uint8Array(MAX_WRITE_BYTES);
  for (let sent = 0; sent < bytes; sent += piece.length) stream.blockingWriteAndFlush(piece);
  drop(stream);
  OutgoingBody.finish(body, undefined);
  const response = responseOf(future);
  reply(out, response.status(), `${bytes}`);
}

const loopback = (port) => ({ tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } });

function bodyOf(incoming) {
  let words = '';
  const body = incoming.consume();
  const stream = body.stream();
  eachChunk(stream, (chunk) => {
    words += text(chunk);
  });
  drop(stream);
  IncomingBody.finish(body);
  return words;
}

function tcp(incoming, port, out) {
  const network = instanceNetwork();
  const socket = createTcpSocket('ipv4');
  socket.startConnect(network, loopback(port));
  waitFor(socket);
  const [input, output] = socket.finishConnect();
  write(output, utf8(bodyOf(incoming)));
  socket.shutdown('send');
  let heard = '';
  eachChunk(input, (chunk) => {
    heard += text(chunk);
  });
  drop(input, output, socket, network);
  reply(out, 200, heard);
}

function udp(incoming, port, out) {
  const network = instanceNetwork();
  const socket = createUdpSocket('ipv4');
  socket.startBind(network, { tag: 'ipv4', val: { port: 0, address: [0, 0, 0, 0] } });
  waitFor(socket);
  socket.finishBind();
  const [arriving, leaving] = socket.stream(loopback(port));
  leaving.checkSend();
  leaving.send([{ data: utf8(bodyOf(incoming)), remoteAddress: undefined }]);
  waitFor(arriving);
  const [datagram] = arriving.receive(1);
  drop(arriving, leaving, socket, network);
  reply(out, 200, text(datagram.data));
}

function lookup(name, out) {
  const network = instanceNetwork();
  const stream = resolveAddresses(network, name);
  waitFor(stream);
  const addresses = [];
  for (let next = stream.resolveNextAddress(); next; next = stream.resolveNextAddress())
    addresses.push(next.val.join('.'));
  drop(stream, network);
  reply(out, 200, addresses.join(' '));
}

export const incomingHandler = {
  handle(incoming, out) {
    const [path, query = ''] = incoming.pathWithQuery().split('?');
    try {
      switch (path.slice(path.lastIndexOf('/'))) {
        case '/fetch':
          return forward(incoming, query, out);
        case '/upload':
          return upload(query.slice(0, query.indexOf('/')), Number(query.slice(query.indexOf('/') + 1)), out);
        case '/tcp':
          return tcp(incoming, Number(query), out);
        case '/udp':
          return udp(incoming, Number(query), out);
        case '/lookup':
          return lookup(query, out);
        default:
          return reply(out, 404, 'not found');
      }
    } catch (error) {
      const reason = reasonOf(error);
      if (typeof reason !== 'string' && typeof reason?.tag !== 'string') throw error;
      return reply(out, 502, typeof reason === 'string' ? reason : reason.tag);
    }
  },
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CallerLeft } from './caller-left.ts';
import { MOST_HEAD_BYTES, type PlainHead, plainHead } from './plain-head.ts';

/** Node's request and response of a plain request, where Node was asked for them after all. */
export interface NodeExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What a listener does for its plain connections. */
export interface PlainHost {
  /** Takes a plain request, or does nothing. */
  readonly take: (head: PlainHead, body: Uint8Array, exchange: PlainExchange) => boolean;
  /** A request waits for its answer; gives what says that none is due any more. */
  readonly due: () => () => void;
  /** Has Node read the connection from here on, and first these bytes: a request that is begun, when `exchange` is given. */
  readonly toNode: (socket: Socket, bytes: Buffer, exchange: PlainExchange | null) => void;
  /** Silence after which Node, which says what is to become of it, gets a connection that never said anything, milliseconds. */
  readonly firstMs: number;
  /** Silence between two requests after which a connection is closed, milliseconds. */
  readonly keepAliveMs: number;
}

/**
 * Reads a connection as long as there come plain requests, one after the other. At anything else (another address, a head in pieces, a request sent
 * ahead) Node's own server takes the connection over, for good, and reads it from the first byte of the request that is not answered yet.
 */
export function readPlain(socket: Socket, host: PlainHost): void {
  let known: PlainHead | null = null;
  let exchange: PlainExchange | null = null;
  let hasSpoken = false;

  const headOf = (chunk: Buffer): PlainHead | null => {
    const text = chunk.toString('latin1', 0, MOST_HEAD_BYTES);
    if (known !== null && (text === known.text || text.startsWith(known.text))) return known;
    const end = text.indexOf('\r\n\r\n');
    known = end === -1 ? null : plainHead(text.slice(0, end + 4));
    return known;
  };
  const hear = (chunk: Buffer): void => {
    if (exchange !== null) {
      toNode(Buffer.concat([exchange.bytes, chunk]));
      return;
    }
    const head = headOf(chunk);
    // Who does not read his answers is asked no more, which is Node's to do.
    if (head === null || chunk.length !== head.text.length + head.bodyBytes || socket.writableNeedDrain) {
      toNode(chunk);
      return;
    }
    exchange = new PlainExchange({ socket, bytes: chunk, done: host.due(), answered, toNode });
    if (!hasSpoken) socket.setTimeout(host.keepAliveMs);
    hasSpoken = true;
    const body = head.bodyBytes === 0 ? NOTHING : chunk.subarray(head.text.length);
    if (!host.take(head, body, exchange)) {
      exchange.done();
      exchange = null;
      toNode(chunk);
    }
  };
  const answered = (): void => {
    exchange = null;
  };
  const toNode = (bytes: Buffer): void => {
    socket.off('data', hear).off('end', end).off('timeout', silent).off('error', fail);
    socket.setTimeout(0);
    host.toNode(socket, bytes, exchange);
    known = null;
  };
  const end = (): void => void socket.end();
  const fail = (): void => void socket.destroy();
  const silent = (): void => {
    if (!hasSpoken) toNode(NOTHING);
    // Who is slow to read an answer is not silent between two requests.
    else if (exchange === null && socket.writableLength === 0) socket.destroy();
  };
  socket.on('data', hear).on('end', end).on('timeout', silent).on('error', fail);
  socket.on('close', () => exchange?.close());
  socket.setTimeout(host.firstMs);
}

const NOTHING = Buffer.alloc(0);

interface PlainParts {
  readonly socket: Socket;
  /** The request, as it came. */
  readonly bytes: Buffer;
  readonly done: () => void;
  /** The connection has no more to do with it. */
  readonly answered: () => void;
  readonly toNode: (bytes: Buffer) => void;
}

/** What is done with Node's reading of a request, and what when its sender has left before. */
interface WhenNode {
  readonly act: (node: NodeExchange) => void;
  readonly nobody: () => void;
}

/** One plain request and its answer. */
export class PlainExchange {
  readonly bytes: Buffer;
  readonly done: () => void;
  readonly left = new CallerLeft();
  readonly #parts: PlainParts;
  #isAtNode = false;
  #node: NodeExchange | null = null;
  #whenNode: WhenNode | null = null;

  constructor(parts: PlainParts) {
    this.bytes = parts.bytes;
    this.done = parts.done;
    this.#parts = parts;
  }

  /** Sends the answer by `write`, which gets the socket, or by `byNode` where Node has taken the connection over; `nobody` when its receiver has left. */
  answer(write: (socket: Socket) => void, byNode: (node: NodeExchange) => void, nobody: () => void): void {
    if (this.#isAtNode) {
      this.withNode(byNode, nobody);
      return;
    }
    const { socket, answered } = this.#parts;
    if (!socket.writable) {
      nobody();
      this.close();
      return;
    }
    write(socket);
    answered();
    if (socket.writableLength === 0) this.done();
    else socket.write('', this.done);
  }

  /** Has Node read the request again; `act` gets what Node made of it, or `nobody` is called when its sender has left. */
  withNode(act: (node: NodeExchange) => void, nobody: () => void): void {
    if (this.#node !== null) {
      act(this.#node);
      return;
    }
    const { socket, toNode } = this.#parts;
    this.#whenNode = { act, nobody };
    // Who has closed his direction may still read earlier answers; of this one nothing can be written any more.
    if (this.#isAtNode ? socket.destroyed : !socket.writable) this.close();
    else if (!this.#isAtNode) toNode(this.bytes);
  }

  /** Node is asked to read the request. */
  goes(): void {
    this.#isAtNode = true;
  }

  /** Node has read the request. */
  adopt(node: NodeExchange): void {
    this.#node = node;
    this.done();
    this.left.watch(node.outgoing);
    this.#over()?.act(node);
  }

  /** Nothing more can be sent. */
  close(): void {
    if (this.#node !== null) return;
    this.done();
    this.left.leave();
    this.#over()?.nobody();
  }

  /** Has the connection let go of the request, and gives what waited for Node. */
  #over(): WhenNode | null {
    const whenNode = this.#whenNode;
    this.#whenNode = null;
    this.#parts.answered();
    return whenNode;
  }
}

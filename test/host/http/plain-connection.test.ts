import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlainExchange, type PlainHost, readPlain } from '../../../host/http/plain-connection.ts';

const connections = suite<{ servers: Server[] }>('a plain connection', { servers: [] });
connections.after.each(({ servers }) => {
  for (const server of servers.splice(0)) server.close();
});

const REQUEST = 'GET /f/hello HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\n\r\n';

/** A server whose requests and bytes for Node are looked at one by one. */
interface Lab {
  readonly caller: Socket;
  /** The next exchange that is taken. */
  readonly taken: () => Promise<PlainExchange>;
  /** What Node is given, and whether a request is begun. */
  readonly given: Promise<{ readonly bytes: string; readonly isBegun: boolean }>;
  readonly closed: Promise<void>;
  readonly due: () => number;
}

async function open(servers: Server[], changes: Partial<PlainHost> = {}): Promise<Lab> {
  const waiting: PlainExchange[] = [];
  let told: () => void = () => {};
  let due = 0;
  const given = Promise.withResolvers<{ bytes: string; isBegun: boolean }>();
  const host: PlainHost = {
    take: (_head, _body, exchange) => {
      waiting.push(exchange);
      told();
      return true;
    },
    due: () => {
      let isDue = true;
      due += 1;
      return () => {
        if (isDue) due -= 1;
        isDue = false;
      };
    },
    toNode: (socket, bytes, exchange) => {
      exchange?.goes();
      given.resolve({ bytes: bytes.toString('latin1'), isBegun: exchange !== null });
      socket.on('error', () => socket.destroy());
      socket.on('end', () => socket.end());
      socket.resume();
    },
    ...{ firstMs: 60_000, keepAliveMs: 60_000 },
    ...changes,
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => readPlain(socket, host));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const caller = connect((server.address() as { port: number }).port, '127.0.0.1');
  caller.on('error', () => caller.destroy());
  const closed = new Promise<void>((resolve) => caller.on('close', () => resolve()));
  const taken = async (): Promise<PlainExchange> => {
    while (waiting.length === 0)
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    return waiting.shift()!;
  };
  return { caller, taken, given: given.promise, closed, due: () => due };
}

const byNode = (): void => assert.unreachable('Node has not read it');
const nobody = (): void => assert.unreachable('somebody is there');
const LARGE = Buffer.alloc(64 * 1024 * 1024);

function heard(caller: Socket): Promise<string> {
  return new Promise((resolve) => caller.once('data', (data) => resolve(data.toString('latin1'))));
}

connections('requests are taken one after the other', async ({ servers }) => {
  const { caller, taken, due } = await open(servers);
  for (const answer of ['one', 'two', 'three']) {
    caller.write(REQUEST);
    const exchange = await taken();
    assert.is(due(), 1);
    exchange.answer((socket) => socket.write(answer), byNode, nobody);
    assert.is(await heard(caller), answer);
    assert.is(due(), 0);
  }
  caller.destroy();
});

connections('one that says nothing goes to Node', async ({ servers }) => {
  const { caller, given } = await open(servers, { firstMs: 5 });
  assert.equal(await given, { bytes: '', isBegun: false });
  caller.destroy();
});

connections('one that falls silent is closed when its request is answered, not before', async ({ servers }) => {
  const { caller, taken, closed } = await open(servers, { keepAliveMs: 5 });
  caller.write(REQUEST);
  const exchange = await taken();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.not.ok(exchange.left.aborted);
  exchange.answer((socket) => socket.write('late'), byNode, nobody);
  assert.is(await heard(caller), 'late');
  await closed;
});

connections('one that is slow to read its answer gets all of it, and is closed after that', async ({ servers }) => {
  const { caller, taken, closed } = await open(servers, { keepAliveMs: 5 });
  caller.pause();
  caller.write(REQUEST);
  const exchange = await taken();
  exchange.answer((socket) => socket.write(LARGE), byNode, nobody);
  await new Promise((resolve) => setTimeout(resolve, 100));
  caller.resume();
  await closed;
  assert.is(caller.bytesRead, LARGE.length);
});

connections('who closes his direction gets what he has not read yet, and nothing behind it', async ({ servers }) => {
  const { caller, taken, closed, due } = await open(servers);
  caller.pause();
  caller.write(REQUEST);
  const first = await taken();
  const unread = LARGE.subarray(0, 8 * 1024 * 1024);
  let server: Socket | undefined;
  first.answer(
    (socket) => {
      server = socket;
      // Full buffers, but no call for more to be read first.
      Object.defineProperty(socket, 'writableNeedDrain', { value: false });
      socket.write(unread);
    },
    byNode,
    nobody,
  );
  caller.write(REQUEST);
  const second = await taken();
  const ended = new Promise<void>((resolve) => server!.on('end', resolve));
  caller.end();
  await ended;
  assert.is(due(), 2);
  const told: string[] = [];
  second.left.addEventListener('abort', () => told.push('left'));
  second.withNode(byNode, () => told.push('nobody'));
  assert.equal(told, ['left', 'nobody']);
  assert.is(due(), 1);
  caller.resume();
  await closed;
  assert.is(caller.bytesRead, unread.length);
  assert.is(due(), 0);
});

connections('a head in pieces goes to Node from its first byte', async ({ servers }) => {
  const { caller, given } = await open(servers);
  caller.write(REQUEST.slice(0, 20));
  assert.equal(await given, { bytes: REQUEST.slice(0, 20), isBegun: false });
  caller.destroy();
});

connections('what comes before the answer goes to Node behind its request', async ({ servers }) => {
  const { caller, taken, given, due } = await open(servers);
  caller.write(REQUEST);
  await taken();
  caller.write('GET /');
  assert.equal(await given, { bytes: `${REQUEST}GET /`, isBegun: true });
  assert.is(due(), 1);
  caller.destroy();
});

connections('who does not read his answers is given to Node', async ({ servers }) => {
  const { caller, taken, given } = await open(servers);
  caller.pause();
  caller.write(REQUEST);
  const exchange = await taken();
  exchange.answer((socket) => socket.write(LARGE), byNode, nobody);
  caller.write(REQUEST);
  assert.equal(await given, { bytes: REQUEST, isBegun: false });
  caller.destroy();
});

for (const [what, leave] of [
  ['leaves', (caller: Socket) => caller.destroy()],
  ['closes its direction', (caller: Socket) => caller.end()],
] as const) {
  connections(`who ${what} before the answer has left`, async ({ servers }) => {
    const { caller, taken, due } = await open(servers);
    caller.write(REQUEST);
    const { left } = await taken();
    const aborted = new Promise<void>((resolve) => left.addEventListener('abort', resolve));
    leave(caller);
    await aborted;
    assert.is(due(), 0);
  });
}

connections('an answer for who has left is written nowhere', async ({ servers }) => {
  const { caller, taken } = await open(servers);
  caller.write(REQUEST);
  const exchange = await taken();
  const aborted = new Promise<void>((resolve) => exchange.left.addEventListener('abort', resolve));
  caller.destroy();
  await aborted;
  let told = 0;
  exchange.answer(
    () => assert.unreachable('nobody is there'),
    byNode,
    () => told++,
  );
  exchange.withNode(byNode, () => told++);
  assert.is(told, 2);
});

connections('who leaves before Node has read his request again is not waited for', async ({ servers }) => {
  const { caller, taken, given, due } = await open(servers);
  caller.write(REQUEST);
  const exchange = await taken();
  const told = new Promise<void>((resolve) => exchange.withNode(byNode, resolve));
  assert.equal(await given, { bytes: REQUEST, isBegun: true });
  assert.is(due(), 1);
  caller.destroy();
  await told;
  assert.is(due(), 0);
});

connections('a connection keeps no request that Node has read again', async ({ servers }) => {
  const { caller, taken, given } = await open(servers);
  caller.write(REQUEST);
  const reads = async (): Promise<WeakRef<object>> => {
    const exchange = await taken();
    exchange.withNode(() => {}, nobody);
    await given;
    const incoming = new IncomingMessage(caller);
    exchange.adopt({ incoming, outgoing: new ServerResponse(incoming) });
    return new WeakRef(exchange);
  };
  const kept = await reads();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 20 && kept.deref() !== undefined; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  assert.is(kept.deref(), undefined);
  assert.not.ok(caller.destroyed);
  caller.destroy();
});

connections.run();

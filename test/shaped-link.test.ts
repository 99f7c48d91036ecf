import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkSchedule, ShapedLink } from './support/shaped-link.ts';

const link = suite('a shaped link');

/** What answers each connection with all that it was sent, when that has ended. */
async function echo(): Promise<{ port: number; close(): void }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

async function exchange(port: number, bytes: Uint8Array): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(bytes);
  const hash = createHash('sha256');
  for await (const chunk of socket) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

link('takes as long as the bits need, and half of the round trip to arrive', () => {
  const schedule = new LinkSchedule({ bitsPerS: 8_000_000, roundTripMs: 50 });
  assert.equal(schedule.pass(1000, 0), { sentMs: 1, arrivesMs: 26 });
  assert.equal(schedule.pass(2000, 0), { sentMs: 3, arrivesMs: 28 }, 'it waits for what was sent before');
  assert.equal(schedule.pass(1000, 10), { sentMs: 11, arrivesMs: 36 }, 'time without use is not saved up');
});

link('passes every byte of every connection, in order, and counts them', async () => {
  const server = await echo();
  const shaped = await ShapedLink.open(server.port, { bitsPerS: 400_000_000, roundTripMs: 4 });
  try {
    const bodies = Array.from({ length: 5 }, (_, at) => randomBytes(50_000 * (at + 1)));
    const digests = await Promise.all(bodies.map((body) => exchange(shaped.port, body)));
    assert.equal(
      digests,
      bodies.map((body) => createHash('sha256').update(body).digest('hex')),
    );
    assert.equal(shaped.passed, { there: 750_000, back: 750_000 });
  } finally {
    await shaped.close();
    server.close();
  }
});

link('breaks all connections when it is cut, and takes new ones', async () => {
  const server = await echo();
  const shaped = await ShapedLink.open(server.port, { bitsPerS: 8_000_000, roundTripMs: 4 });
  try {
    const socket: Socket = connect(shaped.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(randomBytes(1_000_000));
    const broken = new Promise((resolve) => socket.on('error', resolve));
    // Its other half at the link may be a moment behind.
    const cutting = setInterval(() => shaped.cut(), 1);
    await broken;
    clearInterval(cutting);
    assert.is(await exchange(shaped.port, new Uint8Array()), createHash('sha256').digest('hex'));
  } finally {
    await shaped.close();
    server.close();
  }
});

link.run();

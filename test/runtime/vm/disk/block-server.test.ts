import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BlockServer, serveBlocks } from '../../../../runtime/vm/disk/block-server.ts';
import type { BlockSource } from '../../../../runtime/vm/disk/block-source.ts';
import { NbdClient, requestBytes } from '../../../support/nbd-client.ts';
import { SeededRandom } from '../../../support/random.ts';
import { socketPair } from '../../../support/socket-pair.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);
const DISK = Buffer.from(new SeededRandom(1).bytes(256 * 1024));

const disk = (read?: BlockSource['read']): BlockSource => ({
  bytes: DISK.length,
  read: read ?? (async (offset, into) => void into.set(DISK.subarray(offset, offset + into.length))),
});

async function with_(
  source: BlockSource,
  use: (client: NbdClient, server: BlockServer) => Promise<void>,
): Promise<string | null> {
  const [near, far] = await socketPair();
  far.on('error', () => undefined);
  const server = serveBlocks(near, source);
  try {
    await use(new NbdClient(far), server);
  } finally {
    far.destroy();
  }
  return await server.ended;
}

const blocks = suite('the block server');

blocks('gives what the disk holds, in the order that it is there', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = disk(async (offset, into) => {
    if (offset === 0) await gate.promise;
    into.set(DISK.subarray(offset, offset + into.length));
  });
  const why = await with_(slow, async (client, server) => {
    await client.meet(DISK.length);
    client.request(0, 1, 0n, 4096);
    client.request(0, 2, 5000n, 100_000);
    assert.equal(await client.reply(), { error: 0, cookie: 2 });
    assert.ok((await client.take(100_000)).equals(DISK.subarray(5000, 105_000)));
    gate.resolve();
    assert.equal(await client.reply(), { error: 0, cookie: 1 });
    assert.ok((await client.take(4096)).equals(DISK.subarray(0, 4096)));
    client.request(3, 3, 0n, 0);
    assert.equal(await client.reply(), { error: 0, cookie: 3 });
    client.request(2, 4, 0n, 0);
    assert.is(await server.ended, null);
  });
  assert.is(why, null);
});

blocks('answers what cannot be with an error, and serves on', async () => {
  await with_(disk(), async (client) => {
    await client.meet(DISK.length);
    for (const [type, offset, length, error] of [
      [0, BigInt(DISK.length), 1, 22],
      [0, BigInt(DISK.length - 1), 2, 22],
      [0, 2n ** 64n - 1n, 4096, 22],
      [0, 0n, 0xffff_ffff, 22],
      [0, 0n, 0, 22],
      [4, 0n, 4096, 1],
      [7, 0n, 4096, 1],
      [0xffff, 0n, 4096, 1],
    ] as const) {
      client.request(type, 9, offset, length);
      assert.equal(await client.reply(), { error, cookie: 9 }, `type ${type}, ${length} at ${offset}`);
    }
    client.request(0, 10, 1n, 1);
    await client.reply();
    assert.is((await client.take(1))[0], DISK[1]);
  });
});

blocks('a source that fails is an error of the disk', async () => {
  const broken = disk(() => Promise.reject(new Error('gone')));
  await with_(broken, async (client) => {
    await client.meet(DISK.length);
    client.request(0, 1, 0n, 4096);
    assert.equal(await client.reply(), { error: 5, cookie: 1 });
  });
});

blocks('the older way to name an export is understood', async () => {
  for (const [flags, zeroes] of [
    [3, 0],
    [1, 124],
  ] as const) {
    await with_(disk(), async (client) => {
      await client.take(18);
      client.socket.write(Buffer.from([0, 0, 0, flags]));
      client.option(1, Buffer.from('any'));
      const head = await client.take(10 + zeroes);
      assert.is(head.readBigUInt64BE(0), BigInt(DISK.length));
      client.request(0, 1, 0n, 16);
      await client.reply();
      assert.ok((await client.take(16)).equals(DISK.subarray(0, 16)));
    });
  }
});

blocks('a wrong word ends the connection, with the reason', async () => {
  for (const [what, say, why] of [
    ['flags that were not offered', async (c: NbdClient) => c.socket.write(Buffer.from([0, 0, 0, 4])), /same protocol/],
    ['no option', async (c: NbdClient) => c.socket.write(Buffer.alloc(20)), /same protocol/],
    [
      'an option with too much data',
      async (c: NbdClient) => {
        c.socket.write(Buffer.from([0, 0, 0, 3]));
        const head = Buffer.alloc(16);
        head.write('IHAVEOPT', 0);
        head.writeUInt32BE(0xffff_ffff, 12);
        c.socket.write(head);
      },
      /no option/,
    ],
    [
      'options without end',
      async (c: NbdClient) => {
        c.socket.write(Buffer.from([0, 0, 0, 3]));
        for (let times = 0; times < 65; times++) c.option(10);
      },
      /64 options/,
    ],
    [
      'a write',
      async (c: NbdClient) => {
        c.socket.write(Buffer.from([0, 0, 0, 3]));
        c.option(7, Buffer.alloc(6));
        c.request(1, 1, 0n, 4096);
      },
      /wrote to it/,
    ],
    [
      'no request',
      async (c: NbdClient) => {
        c.socket.write(Buffer.from([0, 0, 0, 3]));
        c.option(7, Buffer.alloc(6));
        c.socket.write(Buffer.alloc(28));
      },
      /no request/,
    ],
    [
      'half a request',
      async (c: NbdClient) => {
        c.socket.write(Buffer.from([0, 0, 0, 3]));
        c.option(7, Buffer.alloc(6));
        c.socket.end(Buffer.alloc(5));
      },
      /middle of a word/,
    ],
  ] as const) {
    const why_ = await with_(disk(), async (client, server) => {
      client.socket.resume();
      await say(client);
      await server.ended;
    });
    assert.match(why_ ?? 'it ended well', why, what);
  }
});

blocks('works on a bounded number of requests at once', async () => {
  let [now, most] = [0, 0];
  const gate = Promise.withResolvers<void>();
  const counting = disk(async () => {
    most = Math.max(most, ++now);
    await gate.promise;
    now -= 1;
  });
  await with_(counting, async (client) => {
    await client.meet(DISK.length);
    const many = Array.from({ length: 200 }, (_, index) => requestBytes(0, index, 0n, 1));
    client.socket.write(Buffer.concat(many));
    while (most < 32) await new Promise(setImmediate);
    gate.resolve();
    for (let index = 0; index < 200; index++) {
      await client.reply();
      await client.take(1);
    }
    assert.is(most, 32);
  });
});

blocks('closing gives up the reads that wait', async () => {
  const aborted = Promise.withResolvers<void>();
  const waiting = disk((_offset, _into, signal) => {
    signal!.addEventListener('abort', () => aborted.resolve());
    return new Promise(() => undefined);
  });
  const why = await with_(waiting, async (client, server) => {
    await client.meet(DISK.length);
    client.request(0, 1, 0n, 1);
    while (client.socket.writableLength > 0) await new Promise(setImmediate);
    await new Promise((resolve) => setImmediate(resolve));
    server.close();
    server.close();
    assert.is(await server.ended, null);
  });
  assert.is(why, null);
});

blocks('hostile words are answered or end it, never worse', async () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 60; round++) {
    const option = Buffer.concat([Buffer.from('IHAVEOPT'), Buffer.from([0, 0, 0, 7, 0, 0, 0, 6]), Buffer.alloc(6)]);
    const good = Buffer.concat([
      ...[Buffer.from([0, 0, 0, 3]), option],
      ...Array.from({ length: 4 }, (_, index) =>
        requestBytes(0, index, BigInt(random.below(DISK.length)), random.below(9000)),
      ),
    ]);
    await with_(disk(), async (client, server) => {
      client.socket.resume();
      client.socket.end(Buffer.from(random.mutate(good)));
      const why = await server.ended;
      assert.ok(why === null || why.startsWith('the client of a disk'), `seed ${SEED}, round ${round}: ${why}`);
    });
  }
});

blocks.run();

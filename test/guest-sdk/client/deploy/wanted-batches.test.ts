import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BatchParts } from '../../../../guest-sdk/client/deploy/batch-sender.ts';
import { sendWanted } from '../../../../guest-sdk/client/deploy/wanted-batches.ts';
import { connect } from '../../../../guest-sdk/client/request.ts';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  joinPieces,
  readBatch,
} from '../../../../guest-sdk/protocol/index.ts';

const senders = suite('a sender of what is wanted');
const digest = (at: number): Digest => digestOfHex(at.toString(16).padStart(64, '0'));
const numberOf = (each: Digest) => Number.parseInt(each.slice(7), 16);

/** Sends parts of these lengths, the first two of which are code; the host wants `first` after each batch. Gives the batches, and how many were on their way. */
async function sent(
  lengths: readonly number[],
  first: readonly number[] = [],
  { fails = false, early = true, isPacked = false } = {},
) {
  const parts = lengths.map((bytes, at) => ({ digest: digest(at), bytes }));
  const batches: number[][] = [];
  const flying: number[] = [];
  let now = 0;
  const encodings: (string | undefined)[] = [];
  const host = connect('http://cloudlet.test', undefined, async ({ body, headers }) => {
    now += 1;
    encodings.push(headers?.['content-encoding']);
    flying.push(now);
    const batch: number[] = [];
    batches.push(batch);
    const plain = async function* () {
      yield body as Uint8Array;
    };
    for await (const part of readBatch(plain())) batch.push(numberOf(part.digest));
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    now -= 1;
    if (fails) throw new CloudletError('network-unavailable', 'the link broke');
    const text = JSON.stringify({ wanted: first.map(digest), missing: 1 });
    return {
      ...{ status: 200, header: () => null, trailer: () => null },
      body: (async function* () {
        yield new TextEncoder().encode(text);
      })(),
    };
  });
  // As it is: who compresses longer would come later.
  const compression = { ...host.compression, compress: async (pieces: readonly Uint8Array[]) => joinPieces(pieces) };
  const held = {
    parts,
    dataFrom: 2,
    ...{ inBatches: true, isPacked },
    read: async (each: Digest) => new Uint8Array(lengths[numberOf(each)]!),
  };
  const { signal } = new AbortController();
  const to: BatchParts = {
    ...{ host: { ...host, compression }, path: '/p', held, missing: null, dictionary: null, early, signal },
    ...{ wait: async () => undefined, sent: () => undefined },
  };
  await sendWanted(
    to,
    parts.map((part) => part.digest),
    null,
    () => undefined,
  );
  return { batches, flying, encodings };
}

const DATA = 200_000;

senders('sends the code alone, then data in small batches, two at once', async () => {
  const { batches, flying } = await sent([1_000_000, 1_000_000, DATA, DATA, DATA]);
  assert.equal(batches, [[0, 1], [2], [3], [4]]);
  assert.equal(flying.slice(0, 3), [1, 1, 2]);
});

senders('sends data beside the code when nobody waits for the code', async () => {
  const { batches, flying } = await sent([1_000_000, 1_000_000, DATA, DATA, DATA], [], { early: false });
  assert.equal(batches.map((batch) => batch.length).sort(), [1, 1, 1, 2]);
  assert.equal(flying.slice(0, 4), [1, 2, 3, 3]);
});

senders('sends what is wanted first before what came first', async () => {
  const { batches } = await sent([10, 10, DATA, DATA, DATA, DATA, DATA], [6, 5]);
  assert.equal(batches, [[0, 1], [6], [5], [2], [3], [4]]);
});

senders('puts small parts into one body', async () => {
  const { batches } = await sent([10, 10, 1000, 1000, DATA, DATA]);
  // Two are on their way at once, and either may begin.
  batches.sort(([a], [b]) => a! - b!);
  assert.equal(batches, [[0, 1], [2, 3, 4], [5]]);
});

senders('sends data so short that it is no trip of its own with the code', async () => {
  assert.equal((await sent([100_000, 100_000, 1000, 15_000])).batches, [[0, 1, 2, 3]]);
  assert.equal((await sent([100_000, 100_000, 1000, 16_000])).batches, [
    [0, 1],
    [2, 3],
  ]);
});

senders('puts data behind a short overlay, as it is, and no more than a guest can wait for', async () => {
  const short = await sent([500_000, 200_000, DATA, DATA], [], { isPacked: true });
  assert.equal(short.batches, [[0, 1, 2, 3]]);
  assert.equal(short.encodings, [undefined]);
  const long = await sent([600_000, 500_000, DATA, 900_000, 900_000], [4], { isPacked: true });
  assert.equal(long.batches, [[0, 1, 2], [4], [3]]);
  assert.equal(long.flying, [1, 1, 2]);
});

senders('sends much memory in two bodies at once, and the disk behind all of it', async () => {
  const { batches, flying } = await sent([2_000_000, 2_000_000, 900_000], [], { isPacked: true });
  assert.equal(batches, [[0], [1], [2]]);
  assert.equal(flying, [1, 2, 1]);
  const one = await sent([1_000_000, 1_000_000, 900_000], [], { isPacked: true });
  assert.equal(one.batches, [[0, 1], [2]], 'what is behind it would make the body too long for a guest that waits');
});

senders('says what failed, when nothing is on its way any more', async () => {
  const failed = await sent([10, 10, DATA], [], { fails: true }).catch((error: CloudletError) => error.code);
  assert.is(failed, 'network-unavailable');
});

senders.run();

import { type Duplex, duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RelayConnection } from '../../../../runtime/vm/relay/relay-connection.ts';
import {
  encodeFrame,
  encodeNumber,
  KINDS,
  type Kind,
  MAX_PAYLOAD_BYTES,
  OWN_ID,
  OWN_STREAMS,
  WINDOW_BYTES,
} from '../../../../runtime/vm/relay/wire.ts';
import { SeededRandom } from '../../../support/random.ts';

const ROUNDS = 300;

const hostile = suite('a hostile guest');

/** A frame that a guest might say of one of these streams, or that none would. */
function anyFrame(random: SeededRandom, ids: readonly number[]): Buffer {
  const kind = random.pick([...(Object.keys(KINDS) as Kind[]), 'data', 'data', 'credit', 'open', 'end'] as Kind[]);
  const id = random.below(4) === 0 ? random.below(2 ** 32) : random.pick(ids);
  if (kind === 'data') return encodeFrame(kind, id, new Uint8Array(random.below(random.pick([3, MAX_PAYLOAD_BYTES]))));
  if (random.below(8) === 0) return encodeFrame(kind, id, random.bytes(random.below(9)));
  return encodeNumber(kind, id, random.pick([0, 1, 16_384, 65_536, 2 ** 32 - 1]));
}

hostile('breaks its connection or does not, and makes the host hold no more than it may', async () => {
  const random = new SeededRandom(Date.now());
  let brokenAt = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [near, far] = duplexPair();
    far.resume();
    far.on('error', () => undefined);
    const broken: string[] = [];
    const connection = new RelayConnection(near, (reason) => broken.push(reason));
    const taken: Duplex[] = [];
    const outcomes: Promise<unknown>[] = [];
    connection.onOutgoing((stream) => taken.push(stream));
    far.write(encodeNumber('ready', 0, 1));
    const stop = new AbortController();
    for (let at = 0; at < 4; at++) {
      outcomes.push(connection.connect(80, stop.signal).then((stream) => taken.push(stream)));
      outcomes.push(connection.run({ command: 'x', signal: stop.signal, output: () => undefined }));
      for (const outcome of outcomes) outcome.catch(() => undefined);
    }
    // The host's ids are its first turns, each at a place of its own.
    const ids = [
      ...Array.from({ length: 8 }, (_, at) => (at + 1) * 512 + at),
      ...Array.from({ length: 4 }, (_, at) => OWN_ID + at),
    ];
    for (const id of ids.slice(0, 8))
      if (random.below(2) === 0) far.write(encodeNumber('connected', id, 0).subarray(0, 8));
    for (let frame = 0; frame < 40 && broken.length === 0; frame++) {
      const bytes = anyFrame(random, ids);
      far.write(random.below(20) === 0 ? random.mutate(bytes) : bytes);
      if (random.below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
      if (random.below(6) === 0 && taken.length > 0) {
        const stream = random.pick(taken);
        [
          () => stream.destroy(),
          () => stream.read(),
          () => stream.end('bye'),
          () => stream.write(new Uint8Array(9000)),
        ][random.below(4)]!();
      }
      assert.ok(taken.length <= OWN_STREAMS + 4, `seed ${random.seed}`);
      for (const stream of taken) assert.ok(stream.readableLength <= WINDOW_BYTES, `seed ${random.seed}`);
    }
    assert.ok(broken.length <= 1, `seed ${random.seed}`);
    for (const reason of broken)
      assert.match(reason, /^the VM broke the protocol of its relay: expected /, `seed ${random.seed}`);
    brokenAt += broken.length;
    stop.abort(new Error('over'));
    near.destroy();
    await Promise.allSettled(outcomes);
  }
  assert.ok(brokenAt > ROUNDS / 4, `${brokenAt} of ${ROUNDS} broken, seed ${random.seed}`);
});

hostile.run();

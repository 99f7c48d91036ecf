import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, digestOfHex } from '../../../../../guest-sdk/protocol/index.ts';
import type { SegmentEntry } from '../../../../../runtime/provision/overlay/overlay-manifest.ts';
import { SegmentFeed } from '../../../../../runtime/provision/overlay/synthesis/segment-feed.ts';

const MIB = 2 ** 20;

const feeds = suite('a feed of segments');

const digest = (at: number): Digest => digestOfHex(at.toString(16).padStart(64, '0'));

/** A state, 20 segments of memory and 9 of the disk, 1 MiB each. */
const SEGMENTS: readonly SegmentEntry[] = Array.from({ length: 30 }, (_, at) => {
  const common = { digest: digest(at), bytes: MIB, expandedBytes: MIB };
  if (at === 0) return { kind: 'state', ...common };
  return at <= 20
    ? { kind: 'memory', ...common, pages: 1 }
    : { kind: 'disk', ...common, pages: 1, blocks: '', needs: [] };
});

/** A feed that has begun; what it asked for, and how one of those comes and is applied. */
function begun(sendsUnasked: boolean) {
  const asked: number[] = [];
  const waiting = new Map<number, (bytes: Uint8Array) => void>();
  const feed = new SegmentFeed({
    segments: SEGMENTS,
    source: {
      sendsUnasked,
      get: (part) =>
        new Promise((resolve) => {
          const index = Number.parseInt(part.slice(7), 16);
          asked.push(index);
          waiting.set(index, resolve);
        }),
    },
    apply: async () => undefined,
    signal: new AbortController().signal,
  });
  feed.start();
  const send = async (index: number): Promise<void> => {
    waiting.get(index)!(new Uint8Array(MIB));
    await new Promise(setImmediate);
  };
  return { asked, send };
}

const upTo = (end: number): number[] => [...Array(end).keys()];

feeds('asks for six ahead of a source that is asked for each', async () => {
  const { asked, send } = begun(false);
  assert.equal(asked, upTo(6));
  await send(0);
  assert.equal(asked, upTo(7));
});

feeds('asks a device, which sends on in any case, for 16 MiB of memory ahead', async () => {
  const { asked, send } = begun(true);
  assert.equal(asked, upTo(16));
  for (const index of upTo(16)) {
    await send(index);
    assert.is(
      asked.length,
      Math.min(17 + index, Math.max(21, 7 + index)),
      'of the disk, no more than six are under way',
    );
  }
  assert.equal(asked, upTo(22));
});

feeds.run();

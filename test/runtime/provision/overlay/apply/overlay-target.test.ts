import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blockDigests } from '../../../../../runtime/machine/index.ts';
import { OverlayTarget } from '../../../../../runtime/provision/overlay/apply/overlay-target.ts';
import type { SegmentEntry } from '../../../../../runtime/provision/overlay/overlay-manifest.ts';
import { MEMORY_BLOCK_BYTES } from '../../../../../runtime/vm/image/index.ts';
import { LAB_DISK_BYTES, LAB_MEMORY_MIB, OverlayLab, segmentsIn } from '../../../../support/overlay-lab.ts';
import { SeededRandom } from '../../../../support/random.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);
const BLOCKS = { blockBytes: MEMORY_BLOCK_BYTES };
const MEMORY_BYTES = LAB_MEMORY_MIB * 2 ** 20;

const target = suite('the target of an overlay');

/** Applies the segments in this order and gives what was made. */
async function applied(
  lab: OverlayLab,
  segments: readonly SegmentEntry[],
  bytes: readonly Uint8Array[],
  order: readonly number[],
  name: string,
) {
  const files = await lab.target(name);
  const job = { segments, base: lab.base, memoryBytes: MEMORY_BYTES, diskBytes: LAB_DISK_BYTES, ...files };
  const before = await blockDigests(lab.base.memory, undefined, BLOCKS);
  const open = await OverlayTarget.open(job);
  const memory = [...before.blocks];
  const done = new Set<number>();
  let isTold = false;
  try {
    for (const index of order) {
      open.apply(index, bytes[index]!);
      done.add(index);
      const isComplete = segments.every(({ kind }, at) => kind !== 'memory' || done.has(at));
      assert.is(open.isMemoryComplete, isComplete);
      // Once, while the disk still comes.
      if (isComplete && !isTold) for (const [block, digest] of open.changedMemory()) memory[block] = digest;
      isTold ||= isComplete;
      // As when nothing else comes for a while.
      while (index % 3 === 0 && open.digestSome());
    }
    open.finish();
  } finally {
    await open.close();
  }
  assert.equal(
    (await blockDigests(files.memory, undefined, BLOCKS)).blocks,
    memory,
    'what changed has other digests, and nothing else',
  );
  const disk = [...lab.base.disk, { path: files.layer, format: 'qcow2' as const }];
  return { ...files, disk };
}

/** An order in which whatever is needed comes first, by chance. */
function anyOrder(segments: readonly SegmentEntry[], random: SeededRandom): number[] {
  const order: number[] = [];
  while (order.length < segments.length) {
    const memoryLeft = segments.some(({ kind }, index) => kind === 'memory' && !order.includes(index));
    const firstMemory = segments.findIndex(({ kind }, index) => kind === 'memory' && !order.includes(index));
    const free = [...segments.keys()].filter((index) => {
      const segment = segments[index]!;
      if (order.includes(index)) return false;
      if (segment.kind === 'memory') return index === firstMemory;
      return segment.kind === 'state' || (!memoryLeft && segment.needs.every((need) => order.includes(need)));
    });
    order.push(random.pick(free));
  }
  return order;
}

target(
  'a difference that is applied to its base is the result, byte for byte, in whatever order it comes',
  async () => {
    const random = new SeededRandom(SEED);
    for (let round = 0; round < 8; round++) {
      const lab = await OverlayLab.make(random);
      try {
        const touched = Array.from({ length: 50 }, () => random.below(LAB_DISK_BYTES / 4096));
        const { difference, path } = await lab.encode({
          touched,
          segmentPages: 1 + random.below(40),
          level: 1 + random.below(3),
        });
        const bytes = await segmentsIn(path, difference);
        const straight = await applied(lab, difference.entries, bytes, [...bytes.keys()], 'straight');
        assert.is(await lab.differs(straight), null, `seed ${SEED}, round ${round}`);
        const mixed = await applied(lab, difference.entries, bytes, anyOrder(difference.entries, random), 'mixed');
        assert.is(await lab.differs(mixed), null, `seed ${SEED}, round ${round}, in another order`);
        assert.ok(
          (await readFile(mixed.layer)).equals(await readFile(straight.layer)),
          'the layer does not depend on the order',
        );
      } finally {
        await lab.close();
      }
    }
  },
);

target('the same saved VMs give the same segments', async () => {
  const lab = await OverlayLab.make(new SeededRandom(SEED));
  try {
    const [one, two] = [await lab.encode({}, 'one'), await lab.encode({}, 'two')];
    assert.equal(one.difference.entries, two.difference.entries);
    assert.ok((await readFile(one.path)).equals(await readFile(two.path)));
    const { memory, disk } = one.difference.figures;
    for (const each of [memory, disk]) assert.is(each.zero + each.base + each.same + each.literal, each.changed);
    for (const kind of ['zero', 'base', 'same', 'literal'] as const) assert.ok(memory[kind] + disk[kind] > 0, kind);
  } finally {
    await lab.close();
  }
});

target.run();

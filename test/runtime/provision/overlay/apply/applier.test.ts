import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Applier } from '../../../../../runtime/provision/overlay/apply/applier.ts';
import { LAB_DISK_BYTES, LAB_MEMORY_MIB, OverlayLab, segmentsIn } from '../../../../support/overlay-lab.ts';
import { SeededRandom } from '../../../../support/random.ts';

/** Times that a segment of the disk comes behind the others, at most: some seconds of them. */
const MOST = 50_000;

const appliers = suite<{ lab: OverlayLab; applier: Applier }>('the thread that applies an overlay');
appliers.before.each(async (context) => {
  context.lab = await OverlayLab.make(new SeededRandom(20261127));
  context.applier = new Applier();
});
appliers.after.each(async ({ lab, applier }) => {
  await applier.close();
  await lab.close();
});

appliers('says what memory changed while one segment of the disk comes behind the other', async ({ lab, applier }) => {
  const { difference, path } = await lab.encode();
  const { entries: segments } = difference;
  const bytes = await segmentsIn(path, difference);
  const files = { base: lab.base, ...(await lab.target()) };
  applier.begin({ segments, ...files, memoryBytes: LAB_MEMORY_MIB * 2 ** 20, diskBytes: LAB_DISK_BYTES });
  let isTold = false;
  const told = applier.changedMemory.then((changed) => {
    isTold = true;
    return changed;
  });
  assert.is(segments.at(-1)!.kind, 'disk');
  for (const index of bytes.keys()) await applier.apply(index, bytes[index]!);
  for (let times = 0; times < MOST && !isTold; times += 1) await applier.apply(bytes.length - 1, bytes.at(-1)!);
  assert.ok(isTold);
  assert.ok((await told).length > 0);
  await applier.finish();
});

appliers.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { encodeBlockSet } from '../../../../runtime/provision/overlay/block-set.ts';
import { OVERLAY_FORMAT, readOverlayManifest } from '../../../../runtime/provision/overlay/overlay-manifest.ts';

const manifests = suite('the manifest of an overlay');

const ENTRY = { digest: `sha256:${'a'.repeat(64)}`, bytes: 10, expandedBytes: 10 };
const STATE = { kind: 'state', ...ENTRY };
const memory = (change: object = {}) => ({ kind: 'memory', ...ENTRY, pages: 1, ...change });
const disk = (change: object = {}) => ({ kind: 'disk', ...ENTRY, pages: 1, blocks: encodeBlockSet([0]), ...change });
const of = (segments: readonly object[], change: object = {}) =>
  JSON.stringify({
    ...{ format: OVERLAY_FORMAT, base: ENTRY.digest, about: 'a test' },
    conditions: {
      ...{ qemu: '7.2.22', accelerator: 'tcg', processor: 'max', counterMhz: null, image: '0'.repeat(64) },
      ...{ memoryMib: 128, vcpus: 1, workers: 0, content: null },
    },
    ...{ diskBytes: 8 * 2 ** 20, service: { run: 'x', port: 80 }, segments, ...change },
  });
/** A run of blocks that is longer than any disk. */
const ENDLESS = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).toString('base64url');

manifests('is read as it was made', () => {
  const { manifest, blocks } = readOverlayManifest(of([STATE, memory(), disk()]));
  assert.is(manifest.segments.length, 3);
  assert.equal([...blocks], [[2, [{ at: 0, count: 1 }]]]);
});

/** What an author can write whose digests are all right. */
for (const [what, text, why] of [
  ['torn', of([STATE]).slice(0, -1), /it is torn/],
  ['nested without end', '['.repeat(100_000), /it is torn/],
  ['of nothing', 'null', /expected format 1, got none/],
  ['of another format', of([STATE], { format: 2 }), /expected format 1, got 2/],
  ['with a key that nobody knows', of([STATE], { more: 1 }), /more/],
  ['without a segment', of([]), /segments/],
  ['of a million segments', of(Array(1_000_000).fill(1)), /at most 1048576 characters/],
  ['without the state', of([memory()]), /expected one segment with the state/],
  ['with two states', of([STATE, STATE]), /expected one segment with the state/],
  ['with its disk before its memory', of([STATE, disk(), memory()]), /expected one segment with the state/],
  ['with fewer pages than none', of([STATE, memory({ pages: -1 })]), /segments\.1\.pages/],
  ['with half a page', of([STATE, memory({ pages: 1.5 })]), /segments\.1\.pages/],
  ['with 2^53 pages', of([STATE, memory({ pages: 2 ** 53 })]), /segments\.1\.pages/],
  ['with more pages than memory', of([STATE, memory({ pages: 16_384 }), memory({ pages: 16_385 })]), /pages/],
  ['with a full memory and a page', of([STATE, ...Array(2).fill(memory({ pages: 16_384 })), memory()]), /of 32768/],
  ['with a segment of no bytes', of([STATE, memory({ bytes: 0 })]), /segments\.1\.bytes/],
  ['with a segment too long', of([STATE, memory({ bytes: 2 ** 40 })]), /segments\.1\.bytes/],
  ['that expands to a terabyte', of([STATE, memory({ expandedBytes: 2 ** 40 })]), /segments\.1\.expandedBytes/],
  ['with a disk of 2^60 bytes', of([STATE], { diskBytes: 2 ** 60 }), /diskBytes/],
  ['with a disk of half a block', of([STATE], { diskBytes: 2048 }), /diskBytes/],
  ['with a segment that needs itself', of([STATE, disk({ needs: [1] })]), /segment 1 needs 1, which is no disk/],
  ['with a segment that needs the state', of([STATE, disk({ needs: [0] })]), /segment 1 needs 0, which is no disk/],
  ['with a block in two segments', of([STATE, disk(), disk()]), /block 0 is in two segments/],
  ['with a block beyond the disk', of([STATE, disk({ blocks: encodeBlockSet([2048]) })]), /ends at 2049 of 2048/],
  ['with blocks without end', of([STATE, disk({ blocks: ENDLESS })]), /of 2048/],
  ['with more blocks than it says', of([STATE, disk({ blocks: encodeBlockSet([1, 2]) })]), /has 1 pages and 2 blocks/],
  ['with blocks that are no text of any', of([STATE, disk({ blocks: '!!!!' })]), /has 1 pages and 0 blocks/],
] as const)
  manifests(`that is ${what} is refused with the reason`, () => {
    try {
      readOverlayManifest(text);
    } catch (error) {
      assert.is((error as CloudletError).code, 'overlay-refused', String(error));
      assert.match((error as CloudletError).message, why);
      assert.ok((error as CloudletError).message.length < 600);
      return;
    }
    assert.unreachable();
  });

manifests.run();

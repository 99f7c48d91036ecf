import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import { openOverlayFile, writeOverlayFile } from '../../../../runtime/provision/overlay/overlay-file.ts';
import {
  type OverlayManifest,
  overlayManifestText,
  readOverlayManifest,
} from '../../../../runtime/provision/overlay/overlay-manifest.ts';
import { LAB_CONDITIONS, OverlayLab, segmentsIn } from '../../../support/overlay-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const digest = (letter: string) => digestOfHex(letter.repeat(64));

/** An overlay of one segment of each kind. */
const SMALL: OverlayManifest = {
  ...{ format: 1, base: digest('a'), about: 'a test', conditions: LAB_CONDITIONS, diskBytes: 8 * 2 ** 20 },
  service: {
    ...{ run: 'serve', port: 80, protocol: 'http', readyMs: 60_000, outbound: [] },
    probe: { path: '/' },
    limits: { diskMib: 1024, cpus: 1, leaseS: 600, connections: 128 },
  },
  segments: [
    { kind: 'state', digest: digest('b'), bytes: 10, expandedBytes: 20 },
    { kind: 'memory', digest: digest('c'), bytes: 10, expandedBytes: 20, pages: 3 },
    { kind: 'disk', digest: digest('d'), bytes: 10, expandedBytes: 20, pages: 2, blocks: 'BQI', needs: [] },
    { kind: 'disk', digest: digest('e'), bytes: 10, expandedBytes: 20, pages: 1, blocks: 'BwE', needs: [2] },
  ],
};

const files = suite('an overlay as a file');

files('a manifest is what it was, and its digest names it', () => {
  const text = overlayManifestText(SMALL);
  assert.equal(readOverlayManifest(text).manifest, SMALL);
  assert.equal(
    readOverlayManifest(text).blocks,
    new Map([
      [2, [{ at: 5, count: 2 }]],
      [3, [{ at: 7, count: 1 }]],
    ]),
  );
  assert.is(readOverlayManifest(text).digest, GOLDEN, 'another text is another OVERLAY_FORMAT');
  const turned = { ...Object.fromEntries(Object.entries(SMALL).toReversed()) } as unknown as OverlayManifest;
  assert.is(overlayManifestText(turned), text);
});
const GOLDEN = 'sha256:4b79d0b1a795703608cc5f49a3e90147dcd477c5f73c0ad2c8e0d3506f7f27e9';

files('a manifest that cannot be is refused with the reason', () => {
  const [state, memory, disk, more] = SMALL.segments as [never, never, OverlayManifest['segments'][number], object];
  const with_ = (change: object) => JSON.stringify({ ...JSON.parse(overlayManifestText(SMALL)), ...change });
  for (const [what, text, why] of [
    ['no JSON', '{', /torn/],
    ['another format', with_({ format: 2 }), /expected format 1, got 2/],
    ['no format', '{}', /got none/],
    ['null', 'null', /got none/],
    ['a key that is not known', with_({ extra: 1 }), /extra/],
    ['a base that is no digest', with_({ base: 'x' }), /base/],
    ['a disk that is no multiple of a block', with_({ diskBytes: 5000 }), /diskBytes/],
    ['no segments', with_({ segments: [] }), /segments/],
    ['no state', with_({ segments: [memory, disk] }), /expected one segment with the state/],
    ['two states', with_({ segments: [state, state] }), /expected one segment with the state/],
    ['another order', with_({ segments: [state, disk, memory] }), /expected one segment with the state/],
    ['a segment that is too long', with_({ segments: [{ ...(state as object), bytes: 2 ** 30 }] }), /bytes/],
    [
      'one that expands to too much',
      with_({ segments: [{ ...(state as object), expandedBytes: 2 ** 30 }] }),
      /expandedBytes/,
    ],
    ['one of more pages than any', with_({ segments: [state, { ...(memory as object), pages: 20_000 }] }), /pages/],
    [
      'more memory than there is',
      with_({ segments: [state, { ...(memory as object), pages: 1025 }] }),
      /1025 pages of 1024/,
    ],
    ['blocks that are not counted right', with_({ segments: [state, { ...disk, pages: 3 }] }), /3 pages and 2 blocks/],
    ['blocks beyond the disk', with_({ segments: [state, { ...disk, blocks: '__8BAg' }] }), /of 2048/],
    [
      'a block twice',
      with_({ segments: [state, disk, { ...more, blocks: 'BgE', needs: [] }] }),
      /block 6 is in two segments/,
    ],
    [
      'a need that comes later',
      with_({ segments: [state, { ...disk, needs: [1] }] }),
      /needs 1, which is no disk segment before it/,
    ],
    [
      'a need that is memory',
      with_({ segments: [state, memory, { ...disk, needs: [1] }] }),
      /needs 1, which is no disk/,
    ],
    ['a line break', with_({ about: 'a\nb' }), /about/],
    ['too much', with_({ about: 'x'.repeat(2 ** 20) }), /expected at most/],
  ] as const) {
    try {
      readOverlayManifest(text);
      assert.unreachable(what);
    } catch (error) {
      assert.instance(error, CloudletError, `${what}: ${error}`);
      assert.is((error as CloudletError).code, 'overlay-refused', what);
      assert.match((error as Error).message, why, what);
    }
  }
});

files('a manifest that is hostile is read or refused, never worse', () => {
  const random = new SeededRandom(20261126);
  const text = Buffer.from(overlayManifestText(SMALL));
  for (let round = 0; round < 1000; round++) {
    try {
      readOverlayManifest(Buffer.from(random.mutate(text)).toString('utf8'));
    } catch (error) {
      assert.instance(error, CloudletError, `round ${round}: ${error}`);
    }
  }
});

files('is its manifest and its segments; the same overlay is the same bytes', async () => {
  const lab = await OverlayLab.make(new SeededRandom(5));
  try {
    const { difference, path } = await lab.encode();
    const text = overlayManifestText(lab.manifest(difference, digest('a')));
    const [one, two] = [join(lab.folder, 'one'), join(lab.folder, 'two')];
    for (const file of [one, two]) await writeOverlayFile(file, text, path);
    assert.ok((await readFile(one)).equals(await readFile(two)));
    const file = await openOverlayFile(one);
    try {
      assert.is(file.text, text);
      assert.is(file.bytes, (await stat(path)).size);
      for (const [index, bytes] of (await segmentsIn(path, difference)).entries())
        assert.ok(bytes.equals(await file.get(difference.entries[index]!.digest)), `segment ${index}`);
      await file.get(digest('0')).then(
        () => assert.unreachable(),
        (error: CloudletError) => assert.is(error.code, 'not-found'),
      );
    } finally {
      await file.close();
    }
    const refusal = () =>
      openOverlayFile(one).then(
        () => assert.unreachable('it was opened'),
        (error: CloudletError) => error,
      ) as Promise<CloudletError>;
    await appendFile(one, 'x');
    assert.match((await refusal()).message, /torn, or more than an overlay/);
    const { size } = await stat(two);
    for (const [length, why] of [
      [size - 1, /torn, or more/],
      [200, /torn in its manifest/],
      [10, /does not begin as one/],
      [0, /does not begin as one/],
    ] as const) {
      await writeFile(one, await readFile(two));
      await truncate(one, length);
      const error = await refusal();
      assert.equal([error.code, why.test(error.message)], ['overlay-refused', true], error.message);
    }
    const long = Buffer.from(await readFile(two));
    long.writeUInt32LE(0xffff_ffff, 16);
    await writeFile(one, long);
    assert.match((await refusal()).message, /expected at most/);
  } finally {
    await lab.close();
  }
});

files.run();

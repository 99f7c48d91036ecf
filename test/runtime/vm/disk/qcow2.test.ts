import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { LayeredDisk } from '../../../../runtime/vm/disk/layered-disk.ts';
import { LAYER_CLUSTER_BYTES as CLUSTER, qcow2Pieces } from '../../../../runtime/vm/disk/qcow2-layer.ts';
import { readQcow2Map } from '../../../../runtime/vm/disk/qcow2-map.ts';
import type { DiskLayer } from '../../../../runtime/vm/image/vm-image.ts';
import { SeededRandom } from '../../../support/random.ts';

const MIB = 2 ** 20;
const SEED = Number(process.env.FUZZ_SEED ?? 20261126);

const qcow2 = suite('qcow2 layers');
let folder = '';
qcow2.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-qcow2-'));
});
qcow2.after(() => rm(folder, { recursive: true, force: true }));

/** A layer with these clusters, each filled with its own byte; zero stands for a cluster of zeros. */
function layerOf(diskBytes: number, clusters: ReadonlyMap<number, number>): Buffer {
  const data = [...clusters].filter(([, byte]) => byte !== 0);
  const places = new Map([...clusters].map(([cluster]) => [cluster, 0]));
  data.forEach(([cluster], index) => void places.set(cluster, index + 1));
  const pieces = qcow2Pieces({ diskBytes, dataClusters: data.length, places });
  const file = Buffer.alloc(Math.max(...pieces.map(({ at, bytes }) => at + bytes.length)));
  for (const { at, bytes } of pieces) file.set(bytes, at);
  data.forEach(([, byte], index) => void file.fill(byte, (index + 1) * CLUSTER, (index + 2) * CLUSTER));
  return file;
}

async function mapOf(bytes: Uint8Array) {
  const path = join(folder, 'layer');
  await writeFile(path, bytes);
  const file = await open(path, 'r');
  try {
    return await readQcow2Map(file);
  } finally {
    await file.close();
  }
}

qcow2('what is written is read', async () => {
  for (const [diskBytes, clusters] of [
    [16 * MIB, new Map<number, number>()],
    [
      16 * MIB,
      new Map([
        [0, 7],
        [1, 0],
        [511, 1],
        [512, 2],
        [4095, 3],
      ]),
    ],
    [4096 * MIB, new Map([[1_048_575, 9]])],
    [CLUSTER, new Map([[0, 1]])],
  ] as const) {
    const map = await mapOf(layerOf(diskBytes, clusters));
    assert.is(map.diskBytes, diskBytes);
    assert.equal(
      [...map.held()].sort((a, b) => a - b),
      [...clusters.keys()].sort((a, b) => a - b),
    );
    for (const [cluster, byte] of clusters) assert.is(map.place(cluster) === 'zero', byte === 0, `cluster ${cluster}`);
  }
});

qcow2('the same content in another order is the same file', () => {
  const entries: [number, number][] = [
    [5, 1],
    [900, 2],
    [17, 0],
  ];
  const of = (places: Map<number, number>) => qcow2Pieces({ diskBytes: 16 * MIB, dataClusters: 2, places });
  assert.equal(of(new Map(entries)), of(new Map(entries.toReversed())));
});

qcow2('what is not written here is refused with the reason', async () => {
  const good = layerOf(
    16 * MIB,
    new Map([
      [3, 1],
      [600, 2],
    ]),
  );
  const tableAt = 3 * CLUSTER;
  for (const [what, change, reason] of [
    ['another magic', (b: Buffer) => b.writeUInt32BE(1, 0), /does not begin as one/],
    ['version 2', (b: Buffer) => b.writeUInt32BE(2, 4), /expected version 3, got 2/],
    ['tiny clusters', (b: Buffer) => b.writeUInt32BE(9, 20), /2\^9 bytes/],
    ['huge clusters', (b: Buffer) => b.writeUInt32BE(31, 20), /2\^31 bytes/],
    ['a huge disk', (b: Buffer) => b.writeBigUInt64BE(1n << 62n, 24), /expected at most/],
    ['encryption', (b: Buffer) => b.writeUInt32BE(2, 32), /encrypted/],
    ['snapshots', (b: Buffer) => b.writeUInt32BE(1, 60), /snapshots/],
    ['a second file', (b: Buffer) => b.writeBigUInt64BE(4n, 72), /features 0x4/],
    ['a first table that is too short', (b: Buffer) => b.writeUInt32BE(1, 36), /first table has 1 entries/],
    ['a first table beyond the file', (b: Buffer) => b.writeBigUInt64BE(1n << 40n, 40), /expected 64 bytes/],
    [
      'a table that is used twice',
      (b: Buffer) => b.copyWithin(5 * CLUSTER + 8, 5 * CLUSTER, 5 * CLUSTER + 8),
      /used twice/,
    ],
    ['compressed clusters', (b: Buffer) => b.writeBigUInt64BE(1n << 62n, tableAt), /compressed/],
    ['a cluster beyond the file', (b: Buffer) => b.writeBigUInt64BE(1n << 44n, tableAt), /a cluster is at/],
    ['a cluster in between', (b: Buffer) => b.writeBigUInt64BE(512n, tableAt), /no cluster's place/],
  ] as const) {
    const bad = Buffer.from(good);
    change(bad);
    try {
      await mapOf(bad);
      assert.unreachable(what);
    } catch (error) {
      assert.instance(error, CloudletError, what);
      assert.match((error as Error).message, reason, what);
    }
  }
  for (const length of [0, 10, CLUSTER, good.length - 3 * CLUSTER]) {
    await mapOf(good.subarray(0, length)).then(
      () => assert.unreachable(`${length} bytes`),
      (error: CloudletError) => assert.is(error.code, 'image-refused'),
    );
  }
});

qcow2('changed bytes are read or refused, never worse', async () => {
  const random = new SeededRandom(SEED);
  const good = layerOf(
    16 * MIB,
    new Map([
      [3, 1],
      [600, 2],
      [601, 0],
    ]),
  );
  for (let round = 0; round < 300; round++) {
    const bad = Buffer.from(good);
    for (let times = 1 + random.below(3); times > 0; times--) {
      const at = random.pick([random.below(104), 3 * CLUSTER + random.below(3 * CLUSTER)]);
      bad[at] = random.below(256);
    }
    const length = random.below(4) === 0 ? random.below(bad.length) : bad.length;
    await mapOf(bad.subarray(0, length)).then(
      (map) => assert.ok([...map.held()].length >= 0),
      (error) => assert.ok(error instanceof CloudletError, `seed ${SEED}, round ${round}: ${error}`),
    );
  }
});

qcow2('a disk is read through its layers', async () => {
  const random = new SeededRandom(SEED);
  const diskBytes = 4 * MIB;
  const blocks = diskBytes / CLUSTER;
  const expected = Buffer.from(random.bytes(diskBytes));
  // The raw file ends before its disk: what is missing are zeros.
  const rawBytes = diskBytes - 10 * CLUSTER;
  const layers: DiskLayer[] = [{ path: join(folder, 'raw'), format: 'raw' }];
  await writeFile(layers[0]!.path, expected.subarray(0, rawBytes));
  expected.fill(0, rawBytes);
  for (const name of ['one', 'two']) {
    const clusters = new Map<number, number>();
    for (let times = 0; times < 200; times++) clusters.set(random.below(blocks), random.below(3));
    for (const [cluster, byte] of clusters) expected.fill(byte, cluster * CLUSTER, (cluster + 1) * CLUSTER);
    await writeFile(join(folder, name), layerOf(diskBytes, clusters));
    layers.push({ path: join(folder, name), format: 'qcow2' });
  }
  const disk = await LayeredDisk.open(layers, diskBytes);
  try {
    for (let times = 0; times < 200; times++) {
      const offset = random.below(diskBytes);
      const into = Buffer.alloc(1 + random.below(Math.min(diskBytes - offset, 70_000)), 0xee);
      if (times % 2 === 0) await disk.read(offset, into);
      else disk.readSync(offset, into);
      assert.ok(
        into.equals(expected.subarray(offset, offset + into.length)),
        `seed ${SEED}: ${into.length} bytes at ${offset}`,
      );
    }
    assert.is(
      disk.extents(0, diskBytes).reduce((sum, { length }) => sum + length, 0),
      diskBytes,
    );
  } finally {
    await disk.close();
  }
});

qcow2.run();

import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { flatten } from '../../../../runtime/vm/base/flatten.ts';
import { LAYER_CLUSTER_BYTES as CLUSTER, qcow2Pieces } from '../../../../runtime/vm/disk/qcow2-layer.ts';

const DISK_BYTES = 16 * 2 ** 20;

const flat = suite<{ folder: string }>('a layer that is put into the disk below');
flat.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-flatten-'));
});
flat.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

/** A layer in which these clusters hold a byte; 0 stands for zeros. */
async function layer(path: string, clusters: ReadonlyMap<number, number>): Promise<string> {
  const data = [...clusters].filter(([, byte]) => byte !== 0);
  const places = new Map([...clusters.keys()].map((cluster) => [cluster, 0]));
  for (const [at, [cluster]] of data.entries()) places.set(cluster, at + 1);
  const file = await open(path, 'w');
  for (const { at, bytes } of qcow2Pieces({ diskBytes: DISK_BYTES, dataClusters: data.length, places })) {
    await file.write(bytes, 0, bytes.length, at);
  }
  for (const [at, [, byte]] of data.entries())
    await file.write(Buffer.alloc(CLUSTER, byte), 0, CLUSTER, (at + 1) * CLUSTER);
  await file.close();
  return path;
}

/** A disk with one cluster of `1` in the middle. */
async function disk(folder: string, bytes = DISK_BYTES): Promise<string> {
  const path = join(folder, 'disk.raw');
  await writeFile(path, '');
  const file = await open(path, 'r+');
  await file.truncate(bytes);
  await file.write(Buffer.alloc(CLUSTER, 1), 0, CLUSTER, bytes / 2);
  await file.close();
  return path;
}

const MIDDLE = DISK_BYTES / 2 / CLUSTER;
const LAST = DISK_BYTES / CLUSTER - 1;
for (const [what, clusters] of [
  ['nothing', new Map<number, number>()],
  [
    'what is written',
    new Map([
      [0, 2],
      [MIDDLE + 1, 3],
      [LAST, 4],
    ]),
  ],
  ['what is written over', new Map([[MIDDLE, 5]])],
  ['what is cleared', new Map([[MIDDLE, 0]])],
  ['all that is trimmed', new Map(Array.from({ length: LAST + 1 }, (_, at) => [at, at === 7 ? 9 : 0]))],
] as const) {
  flat(`changes ${what}`, async ({ folder }) => {
    const raw = await disk(folder);
    const expected = await readFile(raw);
    for (const [cluster, byte] of clusters) expected.fill(byte, cluster * CLUSTER, (cluster + 1) * CLUSTER);
    await flatten(raw, await layer(join(folder, 'top'), clusters));
    assert.ok((await readFile(raw)).equals(expected));
    // Holes stay holes, but for a piece in which something was.
    assert.ok((await stat(raw)).blocks * 512 < 5 * 2 ** 20);
  });
}

flat('must be one of that disk', async ({ folder }) => {
  const top = await layer(join(folder, 'top'), new Map());
  const raw = await disk(folder, DISK_BYTES / 2);
  await flatten(raw, top).then(
    () => assert.unreachable(),
    (error: CloudletError) => assert.match(error.message, /expected a layer over 8388608 bytes, got one over 16777216/),
  );
});

flat.run();

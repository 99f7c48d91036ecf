import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyQcow2 } from '../../../../runtime/vm/disk/empty-qcow2.ts';
import { qcow2Length } from '../../../../runtime/vm/disk/qcow2-length.ts';
import { readQcow2Map } from '../../../../runtime/vm/disk/qcow2-map.ts';
import { openTopLayer } from '../../../../runtime/vm/disk/top-layer.ts';

interface Context {
  directory: string;
}
const layer = suite<Context>('a layer that is written to');

layer.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-layer-'));
});
layer.after.each(({ directory }) => rm(directory, { recursive: true }));

layer('is these bytes when it is empty', () => {
  const file = emptyQcow2({ bytes: 2 ** 30 });
  assert.is(file.length, 4 * 65_536);
  assert.is(
    file.subarray(0, 104).toString('hex'),
    '514649fb00000003' +
      '00000000000000000000000000000010' +
      '0000000040000000' +
      '00000000' +
      '00000002' +
      '0000000000030000' +
      '0000000000010000' +
      '00000001' +
      '000000000000000000000000' +
      '000000000000000000000000000000000000000000000000' +
      '00000004' +
      '00000068',
  );
  assert.is(file.readBigUInt64BE(65_536), 131_072n);
  assert.is(file.subarray(131_072, 131_082).toString('hex'), '00010001000100010000');
});

for (const [bytes, clusterBits, length] of [
  [512, 16, 4 * 65_536],
  [2 ** 32, 16, 4 * 65_536],
  [2 ** 40, 16, 4 * 65_536],
  [2 ** 32, 12, (3 + 4) * 4096],
] as const) {
  layer(`for a disk of ${bytes} bytes in clusters of ${2 ** clusterBits} holds nothing`, async ({ directory }) => {
    const path = join(directory, 'empty');
    await writeFile(path, emptyQcow2({ bytes, clusterBits }));
    const file = await open(path);
    try {
      assert.is(await qcow2Length(file), length);
      const map = await readQcow2Map(file);
      assert.is(map.diskBytes, bytes);
    } finally {
      await file.close();
    }
  });
}

for (const bytes of [0, -512, 513, 2 ** 41, Number.NaN]) {
  layer(`is none for a disk of ${bytes} bytes`, () => {
    assert.throws(() => emptyQcow2({ bytes }), /expected a disk of 512 to \d+ bytes in whole sectors/);
  });
}

layer('has no name, takes no room but its tables, and ends where it has to', async ({ directory }) => {
  const file = await openTopLayer({ layers: [], bytes: 2 ** 32, growthBytes: 2 ** 30, directory });
  try {
    assert.equal(await readdir(directory), []);
    const { size, blocks } = await file.stat();
    assert.is(size, 2 ** 30);
    assert.ok(blocks * 512 < 2 ** 20);
  } finally {
    await file.close();
  }
});

layer('is the file that was named, and nothing of what was in it', async ({ directory }) => {
  const top = join(directory, 'top');
  await writeFile(top, Buffer.alloc(500_000, 'x'));
  const file = await openTopLayer({ layers: [], bytes: 2 ** 32, growthBytes: 2 ** 20, top });
  try {
    assert.is(await qcow2Length(file), 4 * 65_536);
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, 400_000);
    assert.ok(buffer.equals(Buffer.alloc(16)));
  } finally {
    await file.close();
  }
});

layer('is none when its file is not there', async ({ directory }) => {
  const opening = openTopLayer({ layers: [], bytes: 2 ** 32, growthBytes: 2 ** 20, top: join(directory, 'none') });
  assert.match(
    await opening.then(
      () => 'it was opened',
      (error: Error) => error.message,
    ),
    'ENOENT',
  );
});

for (const [what, bytes] of [
  ['no qcow2', Buffer.alloc(200, 'x')],
  ['a short file', Buffer.from('QFI')],
  ['a table without an end', withField(56, 0xffff_ffff)],
  ['clusters of 8 EiB', withField(20, 63)],
  ['no reference counts', emptyQcow2({ bytes: 512 }).fill(0, 131_072)],
] as const) {
  layer(`has no length with ${what}`, async ({ directory }) => {
    const path = join(directory, 'file');
    await writeFile(path, bytes);
    const file = await open(path);
    try {
      assert.instance(await qcow2Length(file).catch((error: unknown) => error), Error);
    } finally {
      await file.close();
    }
  });
}

function withField(at: number, value: number): Buffer {
  const file = emptyQcow2({ bytes: 512 });
  file.writeUInt32BE(value, at);
  return file;
}

layer.run();

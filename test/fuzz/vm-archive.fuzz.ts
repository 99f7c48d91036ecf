import { strictEqual } from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { archiveHead, COMPRESSION, HEAD_BYTES } from '../../runtime/vm/image/archive/archive-format.ts';
import { exportImage, importImage } from '../../runtime/vm/image/index.ts';
import type { SeededRandom } from '../support/random.ts';
import { VmImageLab } from '../support/vm-image-lab.ts';

/** Archives of strangers: what is taken is what was exported; of all else nothing is left, and the reason is one of the table. */
export default async function round(random: SeededRandom): Promise<void> {
  const lab = await VmImageLab.open();
  try {
    const image = await lab.make('a base');
    const path = join(lab.folder, 'base.vm');
    await exportImage(image, path);
    const bytes = await readFile(path);
    await lab.store.remove(image.digest);
    for (let attempt = 0; attempt < 8; attempt++) {
      const hostile = random.mutate(Buffer.from(random.pick([bytes, reframed(bytes, random)])));
      try {
        const { digest } = await importImage(lab.store, Readable.from([hostile]));
        strictEqual(digest, image.digest);
        await lab.store.remove(digest);
      } catch (error) {
        if (!(error instanceof CloudletError) || error.code !== 'image-refused') throw error;
      }
      strictEqual((await readdir(lab.directory)).length, 0);
    }
  } finally {
    await lab.close();
  }
}

/** Changed where compression would hide it. */
function reframed(bytes: Buffer, random: SeededRandom): Buffer {
  const length = bytes.readUInt32BE(HEAD_BYTES - 4);
  const manifest = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length).toString();
  const plain = zstdDecompressSync(bytes.subarray(HEAD_BYTES + length));
  return Buffer.concat([archiveHead(manifest), zstdCompressSync(random.mutate(plain), COMPRESSION)]);
}

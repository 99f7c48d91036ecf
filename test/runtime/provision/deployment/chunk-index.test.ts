import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Digest } from '../../../../guest-sdk/protocol/index.ts';
import { Database } from '../../../../runtime/outside/database.ts';
import { ChunkIndex } from '../../../../runtime/provision/deployment/chunk-index.ts';
import { MIGRATIONS } from '../../../../runtime/provision/deployment/deployment-schema.ts';
import { FoundChunks } from '../../../../runtime/provision/deployment/found-chunks.ts';
import { BlobStore } from '../../../../runtime/store/index.ts';
import { SeededRandom } from '../../../support/random.ts';
import { NEVER, once, sha256 } from './deployments-lab.ts';

const chunks = suite<{ folder: string }>('chunks of stored blobs');
chunks.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-chunks-'));
});
chunks.after.each(({ folder }) => rm(folder, { recursive: true }));

chunks(
  'a blob that is held stays when nobody names it any more, and one that is gone cannot be held',
  async ({ folder }) => {
    const blobs = await BlobStore.open(join(folder, 'blobs'));
    const database = Database.open(join(folder, 'chunks.sqlite'), { synchronous: 'NORMAL', migrations: MIGRATIONS });
    const named = new Set<Digest>();
    const isNamed = (blob: Digest): boolean => named.has(blob);
    const index = new ChunkIndex(database, blobs, isNamed);
    const bytes = new Uint8Array(1000).fill(7);
    const { digest, release } = await blobs.write(once(bytes), { limitBytes: 1000 });
    named.add(digest);
    release();
    await index.index(digest, NEVER);
    // It is shorter than a chunk, and so is one.
    const chunk = sha256(bytes);
    assert.is(index.blobOf(chunk), digest);

    const letGo = index.hold([digest, digest])!;
    named.clear();
    assert.equal(await blobs.gc(isNamed), []);
    assert.equal(await index.read(chunk), bytes);
    letGo();
    letGo();
    assert.is(index.hold([digest]), null);
    assert.is(index.has(chunk), false);
    assert.equal(await blobs.gc(isNamed), [digest]);
    database.close();
  },
);

chunks('those that were found as a blob came are written down without its being read', async ({ folder }) => {
  const blobs = await BlobStore.open(join(folder, 'blobs'));
  const database = Database.open(join(folder, 'chunks.sqlite'), { synchronous: 'NORMAL', migrations: MIGRATIONS });
  const index = new ChunkIndex(database, blobs, () => true);
  const bytes = new SeededRandom(3).bytes(100_000);
  const found = new FoundChunks();
  const coming = found.coming(bytes.length);
  const { digest, release } = await blobs.write(coming.through(once(bytes)), { limitBytes: bytes.length });
  coming.stored(digest);
  await rename(blobs.path(digest), join(folder, 'elsewhere'));
  await index.index(digest, NEVER, found);
  await rename(join(folder, 'elsewhere'), blobs.path(digest));
  const [first, ...others] = found.of(digest)!;
  assert.ok(others.length > 10, `${others.length} others`);
  for (const each of [first!, ...others])
    assert.equal(await index.read(each.digest), bytes.subarray(each.at, each.at + each.bytes));
  release();
  database.close();
});

chunks.run();

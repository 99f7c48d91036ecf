import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { PartStore } from '../../../../runtime/provision/deployment/part-store.ts';
import { NEVER, once, partOf } from './deployments-lab.ts';

const parts = suite<{ folder: string; store: PartStore }>('parts that devices sent');

parts.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-parts-'));
  context.store = await PartStore.open(join(context.folder, 'parts'), { limitBytes: 3000 });
});
parts.after.each(({ folder }) => rm(folder, { recursive: true }));

const bytesOf = (fill: number) => new Uint8Array(1000).fill(fill);

parts('those that are coming take room, and give it back when they do not come', async ({ store }) => {
  const gate = Promise.withResolvers<void>();
  async function* slowly(bytes: Uint8Array) {
    await gate.promise;
    yield bytes;
  }
  const inUse = () => true;
  const write = (fill: number, body: AsyncIterable<Uint8Array>) =>
    store.write(partOf(bytesOf(fill)), body, inUse, NEVER).then(
      () => 'ok',
      ({ code }: CloudletError) => code,
    );
  const coming = [1, 2].map((fill) => write(fill, slowly(bytesOf(fill))));
  const torn = write(3, slowly(bytesOf(9)));
  assert.is(await write(4, once(bytesOf(4))), 'storage-full');
  gate.resolve();
  assert.equal(await Promise.all(coming), ['ok', 'ok']);
  assert.is.not(await torn, 'ok');
  assert.is(await write(4, once(bytesOf(4))), 'ok');
  assert.is(store.totalBytes, 3000);
});

parts('whoever waits for one has the bytes that came, unless they came in pieces', async ({ store }) => {
  const bytes = bytesOf(1);
  const [waiting, second] = [0, 1].map(() => store.arrived(partOf(bytes).digest, NEVER));
  await store.write(partOf(bytes), once(bytes), () => true, NEVER);
  assert.is(await waiting, bytes, 'they are not read again');
  assert.is(await second, undefined, 'whoever has them may have taken them over');
  const other = bytesOf(2);
  async function* pieces() {
    yield other.subarray(0, 500);
    yield other.subarray(500);
  }
  const later = store.arrived(partOf(other).digest, NEVER);
  await store.write(partOf(other), pieces(), () => true, NEVER);
  assert.is(await later, undefined);
  assert.equal([...(await store.read(partOf(other).digest))!], [...other]);
});

parts('whoever waits for one that is not what it was said to be goes on waiting', async ({ store }) => {
  const bytes = bytesOf(1);
  const waiting = store.arrived(partOf(bytes).digest, NEVER);
  const failed = await store.write(partOf(bytes), once(bytesOf(9)), () => true, NEVER).catch(({ code }) => code);
  assert.is(failed, 'body-truncated');
  await store.write(partOf(bytes), once(bytes), () => true, NEVER);
  assert.is(await waiting, bytes);
});

parts.run();

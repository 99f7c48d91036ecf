// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, parseName } from '../../guest-sdk/protocol/index.ts';
import type { Cloudlet } from '../../runtime/index.ts';
import { type CloudletLab, openLab, publishGuest } from '../support/cloudlet-lab.ts';

/** Components that keep things, through a whole cloudlet: host, line, agent and glue. */
const stores = suite('a cloudlet with stores');
const NAME = parseName('stores');
const KEYVALUE_BYTES = 1_000_000;
const GRANT = { stores: { keyvalue: { bytes: KEYVALUE_BYTES }, blobs: { bytes: 50_000_000 } } };
let lab: CloudletLab;

stores.before(async () => {
  lab = await openLab();
  await publishGuest(lab.cloudlet, 'stores', 'stores', GRANT);
});
stores.after(() => lab.close());

async function call(cloudlet: Cloudlet, target: string, args: readonly unknown[] = [], name = NAME): Promise<unknown> {
  const { value } = await cloudlet.call(name, target, args, { argumentFormat: 'json', resultFormat: 'json' });
  return value;
}

stores('every function of wasi:keyvalue works in an agent', async () => {
  assert.is(await call(lab.cloudlet, 'keys'), 'ok');
});

for (const size of [4, 70_000, 3_000_000]) {
  stores(`every function of wasi:blobstore works in an agent, with an object of ${size} bytes`, async () => {
    assert.is(await call(lab.cloudlet, 'objects', [size]), 'ok');
  });
}

stores('invocations at once share the store and lose nothing', async () => {
  const counts = await Promise.all(Array.from({ length: 40 }, () => call(lab.cloudlet, 'count')));
  assert.equal(
    counts.map(Number).toSorted((a, b) => a - b),
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
});

stores('what is kept stays over a restart, is shown, and goes with the function', async () => {
  assert.is(await call(lab.cloudlet, 'keep', ['box']), 'made');
  const cloudlet = await lab.reopen();
  assert.is(Number(await call(cloudlet, 'count')), 41);
  const { stores: kept } = await cloudlet.function(NAME);
  assert.equal(kept, { keyValueBytes: 64 + 'default'.length + 'count'.length + 2, blobBytes: 4096 + 3 });
  assert.equal((await cloudlet.status()).stores, kept);
  await cloudlet.remove(NAME);
  assert.equal((await cloudlet.status()).stores, { keyValueBytes: 0, blobBytes: 0 });
  await publishGuest(cloudlet, 'stores', 'stores', GRANT);
  assert.is(Number(await call(cloudlet, 'count')), 1);
});

stores('functions do not see one another', async () => {
  const other = parseName('other');
  await publishGuest(lab.cloudlet, 'stores', 'other', GRANT);
  assert.is(Number(await call(lab.cloudlet, 'count', [], other)), 1);
  assert.is(await call(lab.cloudlet, 'keep', ['box'], other), 'made');
});

stores('a store that is full refuses, and lets the function go on', async () => {
  assert.match(String(await call(lab.cloudlet, 'fill')), /^quota exceeded: .* may have 1000000 bytes/);
  assert.ok((await lab.cloudlet.function(NAME)).stores.keyValueBytes <= KEYVALUE_BYTES);
  assert.is(Number(await call(lab.cloudlet, 'count')), 2);
});

stores('a component of the first draft of wasi:keyvalue is served', async () => {
  const draft = parseName('draft');
  await publishGuest(lab.cloudlet, 'stores-draft', 'draft', GRANT);
  assert.equal(await call(lab.cloudlet, 'pages', [], draft), [2, 1500]);
  assert.is(Number(await call(lab.cloudlet, 'add', [21], draft)), 42);
});

stores('a component that needs a store is refused without a grant, naming what to add', async () => {
  const refused = await publishGuest(lab.cloudlet, 'stores', 'ungranted').catch((error: unknown) => error);
  assert.is((refused as CloudletError).code, 'grant-missing');
  assert.match(
    (refused as Error).message,
    /imports wasi:keyvalue\/\S+ and wasi:blobstore\/\S+, which need a grant; add "stores": \{ "keyvalue": \{ "bytes": 1048576 \}, "blobs": /,
  );
});

stores('where the policy came to allow none, both stores are denied', async () => {
  const cloudlet = await lab.reopen({ policy: { stores: { keyvalueBytes: 0, blobBytes: 0 } } });
  assert.match(String(await call(cloudlet, 'denied')), /^access-denied/);
});

stores.run();

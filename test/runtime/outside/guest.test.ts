// time limit: 240 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createWasi } from '../../../runtime/wasi/index.ts';
import { guest } from '../../support/guest.ts';
import { backend } from '../wasi/backend.ts';
import { type Instantiate, translate } from '../wasi/component.ts';
import { StoreLab } from './store-lab.ts';

/** Real components that use real stores. */
const component = suite('components with stores');

/** What the worlds of the guests export. */
interface Exports {
  count(): Promise<bigint>;
  keys(): Promise<string>;
  objects(size: number): Promise<string>;
  fill(): Promise<string>;
  keep(name: string): Promise<string>;
  denied(): Promise<string>;
  pages(): Promise<[pages: number, keys: number]>;
  add(delta: bigint): Promise<bigint>;
}

const EXPORTS = ['count', 'keys', 'objects', 'fill', 'keep', 'denied', 'pages', 'add'];
const translated = new Map<string, Promise<Instantiate>>();
let lab: StoreLab;

component.before.each(async () => {
  lab = await StoreLab.open();
});
component.after.each(() => lab.close());

function instantiator(name: string): Promise<Instantiate> {
  let found = translated.get(name);
  if (found === undefined) {
    found = guest(name).then((path) => translate(path, 'jspi', EXPORTS));
    translated.set(name, found);
  }
  return found;
}

/** Runs one invocation in an instance of its own; nothing of it may be left afterwards. */
async function invoke<Result>(
  work: (exports: Exports) => Promise<Result>,
  { name = 'stores', quotaBytes = 1e8 }: { name?: string; quotaBytes?: number } = {},
): Promise<Result> {
  const instantiate = await instantiator(name);
  const { outside, keyValue, blobs } = lab.guest('notes', quotaBytes);
  const wasi = createWasi(backend({ keyValue, blobs }));
  const result = await work(instantiate(wasi.imports) as unknown as Exports);
  wasi.close();
  assert.is(outside.open, 0);
  assert.equal(outside.failures, []);
  return result;
}

component('a counter goes on from one invocation to the next, and after a restart', async () => {
  assert.is(await invoke((guest) => guest.count()), 1n);
  assert.is(await invoke((guest) => guest.count()), 2n);
  await lab.reopen();
  assert.is(await invoke((guest) => guest.count()), 3n);
});

component('every function of wasi:keyvalue, with its errors', async () => {
  assert.is(await invoke((guest) => guest.keys()), 'ok');
  assert.is(lab.stores.usage('notes').keyValueBytes, 0);
});

for (const size of [4, 4096, 3_000_000]) {
  component(`every function of wasi:blobstore, with its errors, and an object of ${size} bytes`, async () => {
    assert.is(await invoke((guest) => guest.objects(size)), 'ok');
  });
}

component('a guest that fills its store is refused, and what it has stays', async () => {
  const refusal = await invoke((guest) => guest.fill(), { quotaBytes: 1_000_000 });
  assert.match(refusal, /^quota exceeded: .* may have 1000000 bytes, with this it would have 1200/);
  assert.is(lab.stores.usage('notes').keyValueBytes, 3 * (300_000 + 'fill'.length + 3 + 64));
});

component('containers stay for the next invocation', async () => {
  assert.is(await invoke((guest) => guest.keep('kept')), 'made');
  assert.match(await invoke((guest) => guest.keep('kept')), /which has one$/);
});

component('without a grant, both are denied', async () => {
  const wasi = createWasi(backend());
  const exports = (await instantiator('stores'))(wasi.imports) as unknown as Exports;
  assert.match(await exports.denied(), /^access-denied/);
});

component('a component of the first draft of wasi:keyvalue has cursors and numbers as it knows them', async () => {
  assert.equal(await invoke((guest) => guest.pages(), { name: 'stores-draft' }), [2, 1500]);
  assert.is(await invoke((guest) => guest.add(21n), { name: 'stores-draft' }), 42n);
});

component.run();

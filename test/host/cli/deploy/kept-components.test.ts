import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeptComponents } from '../../../../host/cli/deploy/kept-components.ts';

const kept = suite('components that were published are kept');
let folder: string;
kept.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-kept-'));
});
kept.after.each(() => rm(folder, { recursive: true, force: true }));

const hexOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function component(content: string): Promise<{ readonly path: string; readonly hex: string }> {
  const bytes = Buffer.from(`\0asm${content}`);
  const path = join(folder, `${content}.wasm`);
  await writeFile(path, bytes);
  return { path, hex: hexOf(bytes) };
}

kept('the likest comes first, then the latest', async () => {
  const store = new KeptComponents(join(folder, 'cache'));
  assert.equal(await store.dictionaries(undefined), [], 'before anything was kept');
  const all = [await component('one'), await component('two'), await component('three')];
  for (const [at, { path, hex }] of all.entries()) {
    await store.keep(path);
    await utimes(join(folder, 'cache/published', `${hex}.wasm`), at, at);
  }
  const order = async (likest?: string) => (await store.dictionaries(likest)).map(({ digest }) => digest.slice(7));
  const [one, two, three] = all.map(({ hex }) => hex);
  assert.equal(await order(), [three, two, one]);
  assert.equal(await order(`sha256:${one}`), [one, three, two]);
  const [first] = await store.dictionaries(`sha256:${two}`);
  assert.is(Buffer.from(await first!.read()).toString(), '\0asmtwo');
});

kept('what is torn is refused and gone', async () => {
  const store = new KeptComponents(join(folder, 'cache'));
  const { path, hex } = await component('whole');
  await store.keep(path);
  await truncate(join(folder, 'cache/published', `${hex}.wasm`), 3);
  const [torn] = await store.dictionaries(undefined);
  const error = await torn!.read().catch((thrown: Error) => thrown);
  assert.match(String(error), /as it was kept, but it changed; publish again/);
  assert.equal(await store.dictionaries(undefined), []);
});

kept('what is no component, cannot be read, or has nowhere to go, is no failure', async () => {
  const store = new KeptComponents(join(folder, 'cache'));
  await writeFile(join(folder, 'tar'), 'not a component');
  await store.keep(join(folder, 'tar'));
  await store.keep(join(folder, 'absent'));
  await writeFile(join(folder, 'file'), '');
  await new KeptComponents(join(folder, 'file')).keep((await component('x')).path);
  assert.equal(await store.dictionaries(undefined), []);
});

kept('no more than some are kept', async () => {
  const store = new KeptComponents(join(folder, 'cache'));
  for (let at = 0; at < 40; at += 1) await store.keep((await component(`number ${at}`)).path);
  assert.is((await readdir(join(folder, 'cache/published'))).length, 32);
});

kept.run();

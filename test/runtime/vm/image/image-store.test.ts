import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, digestOfHex, hexOf } from '../../../../guest-sdk/protocol/index.ts';
import { fileStamp, ownerTag } from '../../../../runtime/machine/index.ts';
import type { VmImage } from '../../../../runtime/vm/image/index.ts';
import { DISK_BYTES, HERE, MEMORY_MIB, SERVICE, VmImageLab, WRITTEN_BYTES } from '../../../support/vm-image-lab.ts';

const stores = suite<{ lab: VmImageLab }>('a store of saved VMs');
stores.before.each(async (context) => {
  context.lab = await VmImageLab.open();
});
stores.after.each(({ lab }) => lab.close());

/** How something fails that must. */
const failureOf = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

/** Changes one byte of a file in place, until the file system's clock has moved on. */
async function flip(path: string, at: number): Promise<void> {
  const before = await fileStamp(path);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0]! ^= 1;
  do await file.write(byte, 0, 1, at);
  while ((await fileStamp(path)) === before);
  await file.close();
}

/** Changes one byte of a file, and lets the file system have said nothing of it: a disk that lost a bit. */
async function rot(image: VmImage, path: string, at: number): Promise<void> {
  await flip(path, at);
  const local = join(image.directory, 'local.json');
  const facts = JSON.parse(await readFile(local, 'utf8'));
  const files = [image.state, image.memory, ...image.disk.map((layer) => layer.path)];
  await writeFile(local, JSON.stringify({ ...facts, stamps: await Promise.all(files.map(fileStamp)) }));
}

/** The computer was started again since the image was last looked at. */
async function inAnotherBoot({ directory }: VmImage): Promise<void> {
  const path = join(directory, 'local.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), bootId: 'another' }));
}

stores('finds what was made, private to its owner, and nothing else', async ({ lab }) => {
  const base = await lab.make('a base');
  assert.equal(await lab.store.find(base.digest), base);
  assert.equal([base.kind, base.base, base.service, base.diskBytes], ['base', null, null, DISK_BYTES]);
  assert.is((await stat(base.memory)).size, MEMORY_MIB * 2 ** 20);
  assert.is((await stat(base.directory)).mode & 0o777, 0o700);
  for (const name of await readdir(base.directory)) {
    assert.is((await stat(join(base.directory, name))).mode & 0o777, 0o600, name);
  }
  assert.equal(await readdir(lab.directory), [hexOf(base.digest)]);
  assert.is(await lab.store.find(digestOfHex('0'.repeat(64))), null);
});

stores('a service lies on the disk of its base', async ({ lab }) => {
  const base = await lab.make('a base');
  const service = await lab.make('a service', { base });
  assert.equal(service.disk, [...base.disk, { path: join(service.directory, 'disk-0.qcow2'), format: 'qcow2' }]);
  assert.equal([service.kind, service.base, service.service], ['service', base.digest, SERVICE]);
  assert.equal(await (await lab.another()).find(service.digest), service);
});

stores('finds it in another boot, whoever of several hosts looks first', async ({ lab }) => {
  const made = await lab.make('a base');
  await inAnotherBoot(made);
  const hosts = await Promise.all(Array.from({ length: 4 }, () => lab.another()));
  assert.equal(await Promise.all(hosts.map((store) => store.find(made.digest))), [made, made, made, made]);
  const stamp = await fileStamp(join(made.directory, 'local.json'));
  assert.equal(await lab.store.find(made.digest), made);
  assert.is(await fileStamp(join(made.directory, 'local.json')), stamp);
  assert.equal(lab.refusals, []);
});

const HOLE = 3 * WRITTEN_BYTES;
for (const [what, damage, reason] of [
  ['whose memory is shorter', (i: VmImage) => truncate(i.memory, 5), /its memory has 5 bytes, expected 4194304/],
  [
    'whose memory has another bit',
    (i: VmImage) => flip(i.memory, WRITTEN_BYTES),
    /its memory does not have its digest/,
  ],
  ['whose memory has a bit in a hole', (i: VmImage) => flip(i.memory, HOLE), /its memory does not have its digest/],
  ['whose state is empty', (i: VmImage) => truncate(i.state, 0), /its state has 0 bytes, expected 19/],
  ['whose state lost its last bit on the disk', (i: VmImage) => rot(i, i.state, 18), /its state does not have its dig/],
  ['whose disk has another bit', (i: VmImage) => flip(i.disk[0]!.path, 70_001), /its disk layer 0 does not have its/],
  ['whose disk is gone', (i: VmImage) => rm(i.disk[0]!.path), /it cannot be read: ENOENT/],
  ['whose manifest is torn', (i: VmImage) => truncate(manifestOf(i), 40), /its manifest is torn/],
  ['whose manifest is too long', (i: VmImage) => truncate(manifestOf(i), 2 ** 20), /expected at most 262144/],
  [
    'whose manifest was changed',
    (i: VmImage) => appendFile(manifestOf(i), ' '),
    /its manifest is torn, or that of ano/,
  ],
] as const) {
  for (const boot of ['the same boot', 'another boot'] as const) {
    stores(`refuses one ${what}, in ${boot}`, async ({ lab }) => {
      const made = await lab.make('a base');
      if (boot === 'another boot') await inAnotherBoot(made);
      await damage(made);
      // Two who ask at once are told once.
      assert.equal(await Promise.all([lab.store.find(made.digest), lab.store.find(made.digest)]), [null, null]);
      assert.is(lab.refusals.length, 1);
      assert.match(lab.refusals[0]!, made.digest);
      assert.match(lab.refusals[0]!, reason);
      assert.equal(await readdir(lab.directory), []);
      assert.equal(await lab.make('a base'), made);
    });
  }
}

const manifestOf = ({ directory }: VmImage) => join(directory, 'manifest.json');

stores('refuses a service whose base had to be refused', async ({ lab }) => {
  const base = await lab.make('a base');
  const service = await lab.make('a service', { base });
  await flip(base.memory, WRITTEN_BYTES);
  assert.is(await lab.store.find(service.digest), null);
  assert.is(lab.refusals.length, 2);
  assert.match(lab.refusals[1]!, `its base ${base.digest} is not here any more`);
});

stores('does not put a service where its base is not', async ({ lab }) => {
  const base = await lab.make('a base');
  await lab.store.remove(base.digest);
  const error = await failureOf(lab.make('a service', { base }));
  assert.is(error.code, 'base-unknown');
  assert.match(error.message, base.digest);
  assert.equal(await readdir(lab.directory), []);
});

stores('says what differs from the computer that it was saved on, and keeps it', async ({ lab }) => {
  const made = await lab.make('a base');
  const elsewhere = await lab.another({ computer: async () => ({ ...HERE, processor: 'another' }) });
  for (const look of [elsewhere.find(made.digest), elsewhere.hold(made.digest)]) {
    const error = await failureOf(look);
    assert.is(error.code, 'conditions-differ');
    assert.match(error.message, 'its processor was max on a processor 0123456789abcdef, here it is another');
  }
  assert.equal(
    [(await elsewhere.list())[0]!.unusable, (await elsewhere.list())[0]!.inUse],
    ['its processor was max on a processor 0123456789abcdef, here it is another', false],
  );
  assert.equal(await lab.store.find(made.digest), made);
});

stores('finds by what it was made from, the last used that can be restored here', async ({ lab }) => {
  const key = 'a'.repeat(64);
  const [old, made] = [await lab.make('old', { key }), await lab.make('made', { key })];
  await lab.make('elsewhere', { key, here: { ...HERE, qemu: '8' } });
  await lab.make('a service', { base: made, key });
  for (const [at, image] of [old, made].entries()) await usedAt(image, 1000 + at);
  assert.equal(await lab.store.findMade('base', key), made);
  assert.is(await lab.store.findMade('base', 'b'.repeat(64)), null);
  assert.is((await lab.store.findMade('service', key))?.base, made.digest);
});

stores('lists what there is, the last used first', async ({ lab }) => {
  const [old, newer] = [await lab.make('old'), await lab.make('newer')];
  await usedAt(old, 1000);
  const held = await lab.store.hold(newer.digest);
  const list = await lab.store.list();
  assert.equal(
    list.map(({ digest, inUse, unusable, manifest }) => [digest, inUse, unusable, manifest.about]),
    [
      [newer.digest, true, null, 'newer'],
      [old.digest, false, null, 'old'],
    ],
  );
  assert.ok(list[0]!.bytes >= WRITTEN_BYTES && list[0]!.bytes < 2 * WRITTEN_BYTES);
  assert.ok(Math.abs(list[0]!.madeAt! - Date.now()) < 60_000);
  await held!.release();
});

stores('removes none that is in use, in this process or another', async ({ lab }) => {
  const made = await lab.make('a base');
  const other = await lab.another();
  const [first, second] = await Promise.all([other.hold(made.digest), other.hold(made.digest)]);
  for (const { release } of [first!, second!]) {
    const error = await failureOf(lab.store.remove(made.digest));
    assert.is(error.code, 'conflict');
    assert.match(error.message, 'it is in use');
    await release();
    await release();
  }
  assert.is(await lab.store.remove(made.digest), true);
  assert.is(await lab.store.remove(made.digest), false);
  assert.is(await lab.store.hold(made.digest), null);
  assert.equal(await readdir(lab.directory), []);
});

stores('removes no base on which a service lies', async ({ lab }) => {
  const base = await lab.make('a base');
  const service = await lab.make('a service', { base });
  const error = await failureOf(lab.store.remove(base.digest));
  assert.is(error.code, 'conflict');
  assert.match(error.message, 'saved services lie on it');
  await lab.store.remove(service.digest);
  assert.is(await lab.store.remove(base.digest), true);
});

stores('a hold of a process that is gone holds nothing', async ({ lab }) => {
  const made = await lab.make('a base');
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const namespace = ownerTag().split('-')[2];
  await writeFile(join(made.directory, `held-${gone}-1-${namespace}-x`), '');
  // Of a host in another container, whose processes cannot be seen from here: it may still run.
  const foreign = join(made.directory, 'held-1-1-2-x');
  await writeFile(foreign, '');
  assert.is((await failureOf(lab.store.remove(made.digest))).code, 'conflict');
  await utimes(foreign, 1000, 1000);
  assert.is(await lab.store.remove(made.digest), true);
});

stores('removes what a host that is gone has left, and nothing of one that runs', async ({ lab }) => {
  const kept = await lab.make('a base');
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const live = `.making-${ownerTag()}-vm-00000000`;
  for (const name of [live, `.making-${gone}-1-${ownerTag().split('-')[2]}-vm-00000000`, 'f'.repeat(64)]) {
    await mkdir(join(lab.directory, name));
    await writeFile(join(lab.directory, name, 'memory'), 'left');
  }
  const store = await lab.another();
  assert.equal((await readdir(lab.directory)).sort(), [live, hexOf(kept.digest)].sort());
  assert.equal(await store.find(kept.digest), kept);
});

stores('takes two of one digest, and both serve', async ({ lab }) => {
  const other = await lab.another();
  const [first, second] = await Promise.all([lab.make('a base'), lab.make('a base', { store: other })]);
  assert.equal(first, second);
  assert.equal(await readdir(lab.directory), [hexOf(first.digest)]);
  assert.equal(lab.refusals, []);
});

stores('puts one where the removal of another was cut short', async ({ lab }) => {
  const made = await lab.make('a base');
  await rm(manifestOf(made));
  assert.equal(await lab.make('a base'), made);
});

stores('reads what is settled early once, and says the same of it', async ({ lab }) => {
  const make = async (isSettled: boolean) => {
    const draft = await lab.store.draft({ memoryMib: MEMORY_MIB, layers: ['raw'] });
    await writeFile(draft.state, 'state');
    if (isSettled) draft.settle();
    await truncate(draft.layers[0]!, DISK_BYTES);
    return draft.commit({ ...PLAIN, key: null });
  };
  const early = await make(true);
  assert.equal(await make(false), early);
  assert.equal(await (await lab.another()).find(early.digest), early);
  const given = await lab.store.draft({ memoryMib: MEMORY_MIB, layers: ['raw'] });
  given.settle(AbortSignal.abort(new Error('enough')));
  assert.is((await failureOf(given.commit({ ...PLAIN, key: null }))).message, 'enough');
  await given.discard();
  assert.equal(await readdir(lab.directory), [hexOf(early.digest)]);
});

stores('leaves nothing of what was discarded, given up or not saved', async ({ lab }) => {
  const draft = await lab.store.draft({ memoryMib: MEMORY_MIB, layers: ['raw'] });
  await draft.discard();
  await draft.discard();
  const unsaved = await lab.store.draft({ memoryMib: MEMORY_MIB, layers: ['raw'] });
  const made = { ...PLAIN, key: null };
  assert.is((await failureOf(unsaved.commit(made, AbortSignal.abort(new Error('enough'))))).message, 'enough');
  assert.match((await failureOf(unsaved.commit(made))).message, 'expected the state of a VM, got an empty file');
  await unsaved.discard();
  assert.equal(await readdir(lab.directory), []);
});

const PLAIN = {
  kind: 'base',
  about: '',
  conditions: { ...HERE, image: '', memoryMib: MEMORY_MIB, vcpus: 1, workers: 0, content: null },
  diskBytes: DISK_BYTES,
  base: null,
  service: null,
} as const;

/** Says when an image was last used. */
const usedAt = (image: VmImage, seconds: number) => utimes(manifestOf(image), seconds, seconds);

for (const [what, budget, kept] of [
  ['nothing while all fit', 10, ['base', 'old', 'newer', 'alone', 'held']],
  ['the least recently used first', 4.5, ['base', 'newer', 'alone', 'held']],
  ['services before the base that they lie on', 3.5, ['base', 'alone', 'held']],
  ['a base when nothing lies on it any more', 2.5, ['alone', 'held']],
  ['nothing that is in use', 0, ['held']],
] as const) {
  stores(`makes room: ${what}`, async ({ lab }) => {
    const made = new Map<string, VmImage>();
    made.set('base', await lab.make('base'));
    for (const name of ['held', 'old', 'newer', 'alone']) {
      const base = name === 'alone' ? null : made.get('base')!;
      made.set(name, await lab.make(name, { base: name === 'held' ? null : base }));
    }
    for (const [at, image] of [...made.values()].entries()) await usedAt(image, 1000 + at);
    await usedAt(made.get('base')!, 1003.5);
    const hold = await lab.store.hold(made.get('held')!.digest);
    await usedAt(made.get('held')!, 1000);
    await (await lab.another({ budgetBytes: budget * (WRITTEN_BYTES + 16_384) })).trim();
    const left = await readdir(lab.directory);
    const names = [...made.keys()].filter((name) => left.includes(hexOf(made.get(name)!.digest)));
    assert.equal(names.sort(), [...kept].sort());
    assert.is((await lab.store.usage()).images, kept.length);
    await hold!.release();
  });
}

stores('a use of a service is one of its base, and what was just made stays', async ({ lab }) => {
  const base = await lab.make('base');
  const service = await lab.make('service', { base });
  const alone = await lab.make('alone');
  await usedAt(base, 1000);
  await usedAt(service, 1001);
  await usedAt(alone, 1002);
  await lab.store.find(service.digest);
  const store = await lab.another({ budgetBytes: 3.5 * (WRITTEN_BYTES + 16_384) });
  const made = await lab.make('made', { store });
  assert.equal((await readdir(lab.directory)).sort(), [base, service, made].map(({ digest }) => hexOf(digest)).sort());
});

stores('says that a disk has no room before a VM finds out', async ({ lab }) => {
  const directory = join(dirname(lab.directory), 'small');
  await mkdir(directory);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'cloudlet-test', directory]).status === 0;
  try {
    const store = await lab.another({ directory });
    const error = await failureOf(store.draft({ memoryMib: mounted ? MEMORY_MIB : 2 ** 40, layers: ['raw'] }));
    assert.is(error.code, 'storage-full');
    assert.match(error.message, /takes up to \d+ MiB, and \d+ MiB are free/);
    assert.equal(await readdir(directory), []);
  } finally {
    if (mounted) spawnSync('umount', [directory]);
  }
});

stores.run();

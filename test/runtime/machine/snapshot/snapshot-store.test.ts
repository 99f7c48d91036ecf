import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { startTimeOf } from '../../../../runtime/machine/confinement/process-identity.ts';
import { fileStamp } from '../../../../runtime/machine/snapshot/file-stamp.ts';
import type { Snapshot } from '../../../../runtime/machine/snapshot/snapshot-files.ts';
import { type SnapshotConditions, snapshotKey } from '../../../../runtime/machine/snapshot/snapshot-manifest.ts';
import { SnapshotStore } from '../../../../runtime/machine/snapshot/snapshot-store.ts';

const MEMORY_MIB = 4;
/** What the memory of a snapshot takes on disk here. */
const WRITTEN_BYTES = 2 ** 20;

/** A machine's memory and state with nothing in them but a letter. */
const conditionsWith = (content: string | null): SnapshotConditions => ({
  qemu: '7.2.22',
  accelerator: 'tcg',
  processor: 'max on a processor',
  counterMhz: null,
  image: '0'.repeat(64),
  memoryMib: MEMORY_MIB,
  vcpus: 2,
  workers: 4,
  content,
});
const FUNCTION = conditionsWith('function');

interface Context {
  directory: string;
  store: SnapshotStore;
  refusals: string[];
}
const stores = suite<Context>('a store of snapshots');

const PLENTY = { budgetBytes: 2 ** 40, floor: 0 };

stores.before.each(async (context) => {
  context.directory = join(await mkdtemp(join(tmpdir(), 'cloudlet-snapshots-')), 'snapshots');
  context.refusals = [];
  context.store = await openStore(context);
});
stores.after.each(({ directory }) => rm(dirname(directory), { recursive: true }));

function openStore({ directory, refusals }: Pick<Context, 'directory' | 'refusals'>, limits = PLENTY) {
  return SnapshotStore.open({ directory, ...limits, refused: (sentence) => refusals.push(sentence) });
}

/** Makes a snapshot as a machine does: it writes some of its memory, and its state. */
async function make(store: SnapshotStore, conditions: SnapshotConditions, text = 'm'): Promise<Snapshot> {
  const draft = await store.draft(conditions);
  const memory = await open(draft.memory, 'r+');
  await memory.write(Buffer.alloc(WRITTEN_BYTES, text), 0, WRITTEN_BYTES, WRITTEN_BYTES);
  await memory.close();
  await writeFile(draft.saved, `the state of ${text}`);
  const snapshot = await draft.commit();
  await draft.discard();
  return snapshot;
}

/** How something fails that must. */
const failureOf = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

/** Changes one byte of a file in place, until the file system's clock has moved on since it was last changed. */
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

/** Changes one byte of the state, and lets the file system have said nothing of it: a disk that lost a bit. */
async function rot({ memory, state }: Snapshot, at: number): Promise<void> {
  await flip(state, at);
  const path = join(dirname(memory), 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const verified = { ...manifest.verified, state: await fileStamp(state) };
  await writeFile(path, JSON.stringify({ ...manifest, verified }));
}

/** The computer was started again since the snapshot was last looked at. */
async function inAnotherBoot({ memory }: Snapshot): Promise<void> {
  const path = join(dirname(memory), 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...manifest, verified: { ...manifest.verified, bootId: 'another' } }));
}

stores('finds what was made, private to its owner, and nothing else', async ({ store, directory }) => {
  const made = await make(store, FUNCTION);
  assert.equal(await store.find(FUNCTION), made);
  assert.equal(await readdir(directory), [snapshotKey(FUNCTION)]);
  assert.is((await stat(made.memory)).size, MEMORY_MIB * 2 ** 20);
  assert.is(await readFile(made.state, 'utf8'), 'the state of m');
  assert.is((await stat(dirname(made.memory))).mode & 0o777, 0o700);
  for (const name of await readdir(dirname(made.memory))) {
    assert.is((await stat(join(dirname(made.memory), name))).mode & 0o777, 0o600, name);
  }
  assert.is(await store.find(conditionsWith('another')), null);
});

stores('finds it in another boot, and looks at its bytes once', async (context) => {
  const made = await make(context.store, FUNCTION);
  await inAnotherBoot(made);
  const store = await openStore(context);
  // Two calls at once, as after a start.
  assert.equal(await Promise.all([store.find(FUNCTION), store.find(FUNCTION)]), [made, made]);
  const path = join(dirname(made.memory), 'manifest.json');
  const looked = await fileStamp(path);
  assert.equal(await store.find(FUNCTION), made);
  assert.is(await fileStamp(path), looked);
  assert.equal(context.refusals, []);
  assert.equal((await readdir(dirname(made.memory))).sort(), ['manifest.json', 'memory', 'state']);
});

stores('of several hosts finds it in another boot, whoever looks first', async (context) => {
  const made = await make(context.store, FUNCTION);
  await inAnotherBoot(made);
  const hosts = await Promise.all(Array.from({ length: 4 }, () => openStore(context)));
  const found = await Promise.all(hosts.map((store) => store.find(FUNCTION)));
  assert.equal(found, [made, made, made, made]);
  assert.equal(context.refusals, []);
});

const HOLE = 3 * WRITTEN_BYTES;
for (const [what, damage, reason] of [
  ['whose memory is shorter', (s: Snapshot) => truncate(s.memory, 5), /its memory has 5 bytes, expected 4194304/],
  ['whose state is empty', (s: Snapshot) => truncate(s.state, 0), /its state has 0 bytes, expected 14/],
  [
    'whose memory has another bit',
    (s: Snapshot) => flip(s.memory, WRITTEN_BYTES),
    /its memory does not have its digest/,
  ],
  ['whose memory has a bit in a hole', (s: Snapshot) => flip(s.memory, HOLE), /its memory does not have its digest/],
  ['whose state has another bit', (s: Snapshot) => flip(s.state, 3), /its state does not have its digest/],
  ['whose state lost its last bit on the disk', (s: Snapshot) => rot(s, 13), /its state does not have its digest/],
  ['without memory', (s: Snapshot) => rm(s.memory), /it cannot be read: ENOENT/],
  [
    'whose manifest is torn',
    (s: Snapshot) => truncate(join(dirname(s.memory), 'manifest.json'), 40),
    /its manifest cannot be read/,
  ],
] as const) {
  for (const boot of ['the same boot', 'another boot'] as const) {
    stores(`refuses one ${what}, in ${boot}`, async ({ store, refusals, directory }) => {
      const made = await make(store, FUNCTION);
      if (boot === 'another boot') await inAnotherBoot(made);
      await damage(made);
      // Two who ask at once are told once.
      assert.equal(await Promise.all([store.find(FUNCTION), store.find(FUNCTION)]), [null, null]);
      assert.is(refusals.length, 1);
      assert.match(refusals[0]!, /refused and removed, and will be made again/);
      assert.match(refusals[0]!, reason);
      assert.equal(await readdir(directory), []);
      const again = await make(store, FUNCTION);
      assert.equal(await store.find(FUNCTION), again);
    });
  }
}

stores('refuses one with the manifest of another', async ({ store, refusals, directory }) => {
  const [made, other] = [await make(store, FUNCTION), await make(store, conditionsWith('another'))];
  const manifest = await readFile(join(dirname(other.memory), 'manifest.json'));
  await writeFile(join(dirname(made.memory), 'manifest.json'), manifest);
  assert.is(await store.find(FUNCTION), null);
  assert.match(refusals[0]!, 'its manifest is that of another');
  assert.equal(await readdir(directory), [other.key]);
});

stores('says nothing of what is removed while it is looked at', async (context) => {
  const { store, refusals } = context;
  const other = await openStore(context);
  for (let turns = 0; turns < 12; turns += 1) {
    await inAnotherBoot(await make(store, FUNCTION));
    const looking = other.find(FUNCTION);
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
    await store.refuse(snapshotKey(FUNCTION), 'it is of no use');
    await looking;
    assert.is(await store.find(FUNCTION), null);
    assert.is(refusals.length, turns + 1, refusals.at(-1));
  }
  assert.ok(refusals.every((sentence) => sentence.endsWith('it is of no use')));
});

stores('takes two of one key, and both serve', async (context) => {
  const other = await openStore(context);
  const [first, second] = await Promise.all([
    make(context.store, FUNCTION, 'a'),
    make(other, FUNCTION, 'b'),
    make(context.store, FUNCTION, 'c'),
  ]);
  assert.equal(first, second);
  assert.equal(await context.store.find(FUNCTION), first);
  assert.equal(await readdir(context.directory), [first.key]);
  assert.equal(context.refusals, []);
});

stores('puts one where the removal of another was cut short', async ({ store, directory }) => {
  const key = snapshotKey(FUNCTION);
  await mkdir(join(directory, key));
  await writeFile(join(directory, key, 'memory'), 'left');
  const made = await make(store, FUNCTION);
  assert.equal(await store.find(FUNCTION), made);
});

stores('leaves nothing of what was discarded, or was not saved', async ({ store, directory }) => {
  const draft = await store.draft(FUNCTION);
  await draft.discard();
  await draft.discard();
  assert.equal(await readdir(directory), []);
  const unsaved = await store.draft(FUNCTION);
  assert.match((await failureOf(unsaved.commit())).message, 'expected the state of a machine, got an empty file');
  await unsaved.discard();
  assert.equal(await readdir(directory), []);
});

stores('gives a commit up when asked to', async ({ store, directory }) => {
  const draft = await store.draft(FUNCTION);
  await writeFile(draft.saved, 'state');
  assert.is((await failureOf(draft.commit(AbortSignal.abort(new Error('enough'))))).message, 'enough');
  await draft.discard();
  assert.equal(await readdir(directory), []);
});

stores('removes what a host that is gone has left, and nothing of one that runs', async (context) => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const { pid } = process;
  const start = startTimeOf(pid);
  const here = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  const live = `.making-${pid}-${start}-${here}-0123456789abcdef-00000000`;
  // Of a host in another container, whose processes cannot be seen from here.
  const [foreign, old] = [`.making-1-1-2-0123456789abcdef-00000000`, `.making-1-1-2-0123456789abcdef-00000001`];
  const kept = await make(context.store, FUNCTION);
  for (const name of [
    live,
    foreign,
    old,
    `.making-${gone}-1-${here}-0123456789abcdef-00000000`,
    // A process has its number, but is another: it started at another time.
    `.making-${pid}-${Number(start) - 1}-${here}-0123456789abcdef-00000000`,
    '.making-nonsense',
    'f'.repeat(64),
  ]) {
    await mkdir(join(context.directory, name));
    await writeFile(join(context.directory, name, 'memory'), 'left');
  }
  await utimes(join(context.directory, old), 1000, 1000);
  await utimes(join(context.directory, '.making-nonsense'), 1000, 1000);
  const store = await openStore(context);
  assert.equal((await readdir(context.directory)).sort(), [live, foreign, kept.key].sort());
  assert.equal(await store.find(FUNCTION), kept);
});

/** Says when a snapshot was last used. */
const usedAt = (snapshot: Snapshot, seconds: number) => utimes(dirname(snapshot.memory), seconds, seconds);

for (const [what, budgetBytes, floor, kept] of [
  ['nothing while all fit', 10 * WRITTEN_BYTES, 0, ['golden', 'old', 'newer', 'newest']],
  ['the least recently used first', 3.5 * WRITTEN_BYTES, 0, ['golden', 'newer', 'newest']],
  ['those of functions before the golden one', 1.5 * WRITTEN_BYTES, 0, ['golden']],
  ['none below the floor', 0, 2, ['golden', 'newest']],
] as const) {
  stores(`makes room: ${what}`, async (context) => {
    const made = new Map<string, Snapshot>();
    const names = ['golden', 'old', 'newer', 'newest'];
    for (const [at, name] of names.entries()) {
      made.set(name, await make(context.store, conditionsWith(name === 'golden' ? null : name)));
      await usedAt(made.get(name)!, 1000 + at);
    }
    const store = await openStore(context, { budgetBytes, floor });
    await store.trim();
    const left = await readdir(context.directory);
    assert.equal(
      names.filter((name) => left.includes(made.get(name)!.key)),
      kept,
    );
    assert.is((await store.usage()).snapshots, kept.length);
  });
}

stores('counts a find as a use, and does not remove what it has just made', async (context) => {
  const [old, newer] = [await make(context.store, conditionsWith('old')), await make(context.store, FUNCTION)];
  await usedAt(old, 1000);
  await usedAt(newer, 2000);
  await context.store.find(conditionsWith('old'));
  const store = await openStore(context, { budgetBytes: 2.5 * WRITTEN_BYTES, floor: 0 });
  const made = await make(store, conditionsWith('new'));
  assert.equal((await readdir(context.directory)).sort(), [old.key, made.key].sort());
});

stores('forgets what belongs to a content', async ({ store, directory }) => {
  const golden = await make(store, conditionsWith(null));
  await make(store, conditionsWith('a 1'));
  await make(store, conditionsWith('a 2'));
  const other = await make(store, conditionsWith('b 1'));
  await store.forget((content) => content.startsWith('a '));
  assert.equal((await readdir(directory)).sort(), [golden.key, other.key].sort());
});

/** Has `use` work in a file system of this size; without the right to mount one, on the disk that is there, as `mounted` says. */
async function onDiskOf(context: Context, size: string, use: (directory: string, mounted: boolean) => Promise<void>) {
  const directory = join(dirname(context.directory), 'small');
  await mkdir(directory);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'cloudlet-test', directory]).status === 0;
  try {
    await use(directory, mounted);
  } finally {
    if (mounted) spawnSync('umount', [directory]);
  }
}

stores('says that a disk has no room before a machine finds out', async (context) => {
  await onDiskOf(context, '1m', async (directory, mounted) => {
    const store = await openStore({ ...context, directory });
    const error = await failureOf(store.draft(mounted ? FUNCTION : { ...FUNCTION, memoryMib: 2 ** 40 }));
    assert.is(error.code, 'storage-full');
    assert.match(error.message, /takes up to \d+ MiB, and \d+ MiB are free/);
    assert.equal(await readdir(directory), []);
  });
});

stores('removes others when the disk has no room', async (context) => {
  await onDiskOf(context, '7m', async (directory, mounted) => {
    const store = await openStore({ ...context, directory }, { ...PLENTY, floor: 1 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const [at, name] of names.entries()) await usedAt(await make(store, conditionsWith(name)), 1000 + at);
    const found = await Promise.all(names.map(async (name) => (await store.find(conditionsWith(name))) !== null));
    // Each takes one MiB, and wants four.
    const expected = mounted ? [false, false, false, true, true, true] : names.map(() => true);
    assert.equal(found, expected);
    assert.equal(context.refusals, []);
  });
});

stores.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { blobstoreInterfaces } from '../../../../runtime/wasi/blobstore/blobstore.ts';
import type { Container } from '../../../../runtime/wasi/blobstore/container.ts';
import type { IncomingValue } from '../../../../runtime/wasi/blobstore/incoming-value.ts';
import type { OutgoingValue } from '../../../../runtime/wasi/blobstore/outgoing-value.ts';
import { DISPOSE } from '../../../../runtime/wasi/dispose.ts';
import {
  BLOB_NAME_BYTES,
  createWasi,
  DELETE_OBJECTS,
  GuestTrap,
  StoreFailure,
  StreamFailure,
} from '../../../../runtime/wasi/index.ts';
import { backend, PushSource, text, thrown, utf8 } from '../backend.ts';
import { MemoryBlobs } from './memory-blobs.ts';

const blobstore = suite('wasi:blobstore');

function open(given: Parameters<typeof backend>[0] = {}) {
  const store = new MemoryBlobs();
  const wasi = createWasi(backend({ blobs: store, ...given }));
  const imports = wasi.imports as unknown as ReturnType<typeof blobstoreInterfaces>;
  return {
    store,
    wasi,
    ...imports['wasi:blobstore/blobstore'],
    ...imports['wasi:blobstore/types'],
    ...imports['wasi:blobstore/container'],
  };
}

async function opened() {
  const parts = open();
  return { ...parts, box: await parts.createContainer('box') };
}

type Parts = Awaited<ReturnType<typeof opened>>;

/** Writes an object the way the current draft says. */
async function put({ box, OutgoingValue: Outgoing }: Parts, name: string, bytes: string): Promise<void> {
  const value = Outgoing.newOutgoingValue();
  const stream = value.outgoingValueWriteBody();
  stream.checkWrite();
  stream.write(utf8(bytes));
  stream[DISPOSE]();
  await box.writeData(name, value);
  await Outgoing.finish(value);
}

/** What a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('expected a refusal'),
    (error: unknown) => error,
  );
}

async function refused(promise: Promise<unknown>, sentence: RegExp): Promise<void> {
  const error = await refusal(promise);
  assert.type(error, 'string');
  assert.match(error as string, sentence);
}

blobstore('containers are made, found, described and deleted', async () => {
  const { createContainer, getContainer, containerExists, deleteContainer, wasi } = open();
  assert.is(await containerExists('box'), false);
  const made = await createContainer('box');
  assert.is(made.name(), 'box');
  assert.equal(await made.info(), { name: 'box', createdAt: 7n });
  assert.is(await containerExists('box'), true);
  assert.is((await getContainer('box')).name(), 'box');
  await refused(createContainer('box'), /there is a box/);
  await deleteContainer('box');
  await refused(getContainer('box'), /found no "box"; create it first/);
  await refused(deleteContainer('box'), /no box/);
  await refused(made.info(), /found no "box"/);
  await refused(made.listObjects(), /found no "box"/);
  assert.is(wasi.handles, 2);
  made[DISPOSE]();
  made[DISPOSE]();
  assert.is(wasi.handles, 1);
});

blobstore('an object is written, described, read and deleted', async () => {
  const parts = await opened();
  const { box, IncomingValue: Incoming, wasi, store } = parts;
  assert.is(await box.hasObject('a'), false);
  await put(parts, 'a', 'hello, world');
  assert.is(await box.hasObject('a'), true);
  assert.equal(await box.objectInfo('a'), { name: 'a', container: 'box', createdAt: 8n, size: 12n });
  const value = await box.getData('a', 7n, 2n ** 64n - 1n);
  assert.is(value.size(), 5n);
  assert.is(text(await Incoming.incomingValueConsumeSync(value)), 'world');
  await box.deleteObject('a');
  await box.deleteObject('a');
  await refused(box.objectInfo('a'), /expected an object of container "box", found no "a"/);
  await refused(box.getData('a', 0n, 1n), /no a/);
  await refused(box.getData('a', 2n, 1n), /a start that is not behind the end, got 2 and 1/);
  assert.is(wasi.handles, 1);
  assert.equal(store.notes, ['upload', 'commit a', 'abandon', 'download closed']);
});

blobstore('a value may be read as a stream, or dropped unread', async () => {
  const parts = await opened();
  const { box, IncomingValue: Incoming, wasi, store } = parts;
  await put(parts, 'a', 'hello');
  store.notes.length = 0;
  const stream = Incoming.incomingValueConsumeAsync(await box.getData('a', 0n, 100n));
  assert.is(text(stream.read(3n)), 'hel');
  assert.is(text(stream.read(3n)), 'lo');
  assert.equal(
    thrown(() => stream.read(1n)),
    { tag: 'closed' },
  );
  stream[DISPOSE]();
  const unread = await box.getData('a', 0n, 100n);
  unread[DISPOSE]();
  unread[DISPOSE]();
  assert.equal(store.notes, ['download closed', 'download closed']);
  assert.is(wasi.handles, 1);
});

blobstore('a value that comes late, short, too long or not at all', async () => {
  const parts = await opened();
  const { box, IncomingValue: Incoming, store } = parts;
  await put(parts, 'a', 'hello');
  const get = async (...pushed: (string | Error | null)[]): Promise<Promise<Uint8Array>> => {
    const source = new PushSource();
    store.source = source;
    const value = await box.getData('a', 0n, 100n);
    const read = Incoming.incomingValueConsumeSync(value);
    for (const each of pushed) source.push(each);
    return read;
  };
  assert.is(text(await get('hel', 'lo', null)), 'hello');
  await refused(get('hel', null), /ended after 3 of 5 bytes/);
  await refused(get('hel', 'lo', '!', null), /more than its 5 bytes/);
  await refused(get('hel', new StreamFailure('the disk is broken')), /^the disk is broken$/);
});

blobstore('consume-sync takes no more than it may hold', async () => {
  const { box, IncomingValue: Incoming, store } = await opened();
  store.containers.get('box')!.set('large', new Uint8Array(16 * 1024 * 1024 + 1));
  const value = await box.getData('large', 0n, 2n ** 63n);
  await refused(Incoming.incomingValueConsumeSync(value), /at most 16777216 bytes, got 16777217; .*consume-async/);
  assert.equal(store.notes, ['download closed']);
});

blobstore('the place may be said before the bytes are written', async () => {
  const { box, OutgoingValue: Outgoing, store } = await opened();
  const value = Outgoing.newOutgoingValue();
  const stream = value.outgoingValueWriteBody();
  await box.writeData('a', value);
  assert.is(await box.hasObject('a'), false);
  stream.checkWrite();
  stream.write(utf8('late'));
  stream[DISPOSE]();
  await Outgoing.finish(value);
  assert.is(text(store.containers.get('box')!.get('a')!), 'late');
  assert.equal(store.notes, ['upload', 'commit a', 'abandon']);
});

blobstore('a guest of the draft without finish is served when its bytes are complete', async () => {
  const { box, OutgoingValue: Outgoing, store } = await opened();
  const value = Outgoing.newOutgoingValue();
  const stream = value.outgoingValueWriteBody();
  stream.checkWrite();
  stream.write(utf8('old'));
  stream[DISPOSE]();
  await box.writeData('a', value);
  value[DISPOSE]();
  assert.is(text(store.containers.get('box')!.get('a')!), 'old');
});

blobstore('a value without bytes is an empty object', async () => {
  const { box, OutgoingValue: Outgoing, store } = await opened();
  const value = Outgoing.newOutgoingValue();
  await box.writeData('a', value);
  await Outgoing.finish(value);
  assert.is(store.containers.get('box')!.get('a')!.length, 0);
});

blobstore('what is dropped unfinished is not stored', async () => {
  const { box, OutgoingValue: Outgoing, store, wasi } = await opened();
  const value = Outgoing.newOutgoingValue();
  const stream = value.outgoingValueWriteBody();
  await box.writeData('a', value);
  stream.checkWrite();
  stream.write(utf8('half'));
  assert.instance(
    thrown(() => value[DISPOSE]()),
    GuestTrap,
  );
  assert.instance(await refusal(Outgoing.finish(value)), GuestTrap);
  stream[DISPOSE]();
  value[DISPOSE]();
  value[DISPOSE]();
  assert.is(await box.hasObject('a'), false);
  assert.equal(store.notes, ['upload', 'abandon']);
  assert.is(wasi.handles, 1);
});

blobstore('a value that goes nowhere may be finished', async () => {
  const { OutgoingValue: Outgoing, store } = await opened();
  const value = Outgoing.newOutgoingValue();
  value.outgoingValueWriteBody()[DISPOSE]();
  await Outgoing.finish(value);
  assert.equal(store.notes, ['upload', 'abandon']);
});

blobstore('a body is given once, a value is written once', async () => {
  const { box, OutgoingValue: Outgoing } = await opened();
  const value = Outgoing.newOutgoingValue();
  value.outgoingValueWriteBody();
  assert.is(
    thrown(() => value.outgoingValueWriteBody()),
    undefined,
  );
  await box.writeData('a', value);
  await refused(box.writeData('b', value), /written once/);
});

blobstore('a failure to store is told by finish', async () => {
  const { box, OutgoingValue: Outgoing, store, wasi } = await opened();
  const value = Outgoing.newOutgoingValue();
  await box.writeData('a', value);
  store.failure = new StoreFailure('other', 'the quota is full');
  assert.is(await refusal(Outgoing.finish(value)), 'the quota is full');
  assert.is(wasi.handles, 1);
});

blobstore('objects are listed in pages, and skipped', async () => {
  const parts = await opened();
  for (const name of ['d', 'a', 'g', 'b', 'f', 'c', 'e']) await put(parts, name, name);
  const names = await parts.box.listObjects();
  assert.equal(await names.readStreamObjectNames(0n), [[], false]);
  assert.equal(await names.readStreamObjectNames(4n), [['a', 'b', 'c', 'd'], false]);
  await parts.box.deleteObject('e');
  await put(parts, 'h', 'h');
  assert.equal(await names.skipStreamObjectNames(1n), [1n, false]);
  assert.equal(await names.readStreamObjectNames(2n ** 64n - 1n), [['g', 'h'], true]);
  assert.equal(await names.readStreamObjectNames(5n), [[], true]);
  names[DISPOSE]();
  const others = await parts.box.listObjects();
  assert.equal(await others.skipStreamObjectNames(2n ** 64n - 1n), [7n, true]);
});

blobstore('objects are copied, moved, deleted together and cleared', async () => {
  const parts = await opened();
  const { box, createContainer, copyObject, moveObject, store } = parts;
  await createContainer('other');
  await put(parts, 'a', 'one');
  await copyObject({ container: 'box', object: 'a' }, { container: 'other', object: 'b' });
  await moveObject({ container: 'box', object: 'a' }, { container: 'box', object: 'c' });
  assert.equal([...store.containers.get('box')!.keys()], ['c']);
  assert.equal([...store.containers.get('other')!.keys()], ['b']);
  await refused(copyObject({ container: 'box', object: 'a' }, { container: 'box', object: 'b' }), /no a/);
  await refused(moveObject({ container: 'box', object: 'c' }, { container: 'none', object: 'b' }), /no none/);
  await put(parts, 'd', 'two');
  await box.deleteObjects(['c', 'x']);
  assert.equal([...store.containers.get('box')!.keys()], ['d']);
  await box.clear();
  assert.is(store.containers.get('box')!.size, 0);
});

blobstore('names and lists are bounded before anything is asked', async () => {
  const { box, createContainer, getContainer, containerExists, deleteContainer, copyObject, ...rest } = await opened();
  const long = 'ä'.repeat(BLOB_NAME_BYTES / 2 + 1);
  const value = rest.OutgoingValue.newOutgoingValue();
  for (const call of [
    () => createContainer(long),
    () => getContainer(long),
    () => containerExists(long),
    () => deleteContainer(long),
    () => copyObject({ container: 'box', object: long }, { container: 'box', object: 'a' }),
    () => rest.moveObject({ container: 'box', object: 'a' }, { container: long, object: 'a' }),
    () => box.getData(long, 0n, 1n),
    () => box.writeData(long, value),
    () => box.hasObject(long),
    () => box.objectInfo(long),
    () => box.deleteObject(long),
  ]) {
    await refused(call(), /a name of at most 1024 bytes/);
  }
  await refused(box.deleteObjects(Array(DELETE_OBJECTS + 1).fill('a')), /at most 1000 objects, got 1001/);
});

blobstore('without a store everything is denied', async () => {
  const {
    createContainer,
    getContainer,
    containerExists,
    deleteContainer,
    OutgoingValue: Outgoing,
  } = open({
    blobs: null,
  });
  for (const call of [createContainer, getContainer, containerExists, deleteContainer])
    await refused(call('box'), /^access-denied/);
  const value = Outgoing.newOutgoingValue();
  assert.is(
    thrown(() => value.outgoingValueWriteBody()),
    undefined,
  );
  await Outgoing.finish(value);
});

blobstore('a defect of the backend, and an object of another kind, is a trap', async () => {
  const parts = await opened();
  const { box, store, Container: Box, IncomingValue: Incoming, OutgoingValue: Outgoing, StreamObjectNames } = parts;
  store.failure = new TypeError('a defect');
  assert.instance(await refusal(box.clear()), TypeError);
  const fake = <Resource>(type: { prototype: unknown }) => Object.create(type.prototype as object) as Resource;
  assert.instance(
    thrown(() => fake<Container>(Box).name()),
    TypeError,
  );
  assert.instance(await refusal(fake<Container>(Box).hasObject('a')), TypeError);
  assert.instance(await refusal(box.writeData('a', fake<OutgoingValue>(Outgoing))), TypeError);
  assert.instance(await refusal(Outgoing.finish(fake<OutgoingValue>(Outgoing))), TypeError);
  assert.instance(await refusal(Incoming.incomingValueConsumeSync(fake<IncomingValue>(Incoming))), TypeError);
  const names = fake<InstanceType<typeof StreamObjectNames>>(StreamObjectNames);
  assert.instance(await refusal(names.readStreamObjectNames(1n)), TypeError);
});

blobstore('closing the instance gives up what goes on', async () => {
  const parts = await opened();
  const { box, OutgoingValue: Outgoing, IncomingValue: Incoming, store, wasi } = parts;
  await put(parts, 'a', 'hello');
  store.notes.length = 0;
  Outgoing.newOutgoingValue().outgoingValueWriteBody();
  await box.getData('a', 0n, 9n);
  Incoming.incomingValueConsumeAsync(await box.getData('a', 0n, 9n));
  store.source = new PushSource();
  const waiting = refusal(Incoming.incomingValueConsumeSync(await box.getData('a', 0n, 9n)));
  wasi.close();
  assert.instance(await waiting, GuestTrap);
  assert.equal(store.notes.toSorted(), ['abandon', 'download closed', 'download closed', 'download closed', 'upload']);
});

blobstore.run();

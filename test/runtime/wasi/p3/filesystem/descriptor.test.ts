import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileTree, fileImage } from '../../../../../runtime/wasi/index.ts';
import type { Descriptor3 } from '../../../../../runtime/wasi/p3/filesystem/descriptor.ts';
import { filesystemInterfaces3 } from '../../../../../runtime/wasi/p3/filesystem/filesystem.ts';
import { thrown, utf8 } from '../../backend.ts';
import { collect, FakeStream, seatWith } from '../guest-parts.ts';

const files = suite('wasi:filesystem 0.3');

const rootOf = (scratchBytes = 100): Descriptor3 => {
  const image = fileImage([['dir/a.txt', utf8('hello')]]);
  const tree = new FileTree({ image, scratchBytes, scratchNodes: scratchBytes === 0 ? 0 : 10, mount: '/data' });
  const preopens = filesystemInterfaces3(seatWith({ files: tree }))['wasi:filesystem/preopens@0.3'].getDirectories();
  assert.is(preopens[0]![1], '/data');
  return preopens[0]![0];
};
const err = (tag: string) => ({ tag: 'err', val: { tag } });
const OK = { tag: 'ok', val: undefined };
const write = { read: true, write: true };

files('are none where none are granted', () => {
  assert.equal(filesystemInterfaces3(seatWith())['wasi:filesystem/preopens@0.3'].getDirectories(), []);
});

files('are read as a stream from an offset', async () => {
  const file = rootOf().openAt({}, 'dir/a.txt', {}, { read: true });
  for (const [offset, content] of [
    [0n, 'hello'],
    [3n, 'lo'],
    [5n, ''],
    [99n, ''],
  ] as const) {
    const [stream, ended] = file.readViaStream(offset);
    assert.is(await collect(stream), content);
    assert.equal(await ended, OK);
  }
  const [, invalid] = file.readViaStream(2n ** 63n);
  assert.equal(await invalid, err('invalid'));
});

files('are written and appended to as streams', async () => {
  const file = rootOf().openAt({}, 'new', { create: true }, write);
  assert.equal(await file.writeViaStream(new FakeStream('hel', 'lo'), 1n), OK);
  assert.equal(await file.appendViaStream(new FakeStream('!')), OK);
  assert.is(await collect(file.readViaStream(0n)[0]), '\0hello!');
});

files('that have no space left say so, and let go of the stream', async () => {
  const file = rootOf(4).openAt({}, 'new', { create: true }, write);
  const stream = new FakeStream('hello');
  assert.equal(await file.writeViaStream(stream, 0n), err('insufficient-space'));
  assert.is(stream.disposed, 1);
});

files('that may not be read or written refuse by their streams', async () => {
  const root = rootOf();
  const readable = root.openAt({}, 'dir/a.txt', {}, { read: true });
  const stream = new FakeStream('x');
  assert.equal(await readable.writeViaStream(stream, 0n), err('bad-descriptor'));
  assert.is(stream.disposed, 1);
  const [content, ended] = root.openAt({}, 'new', { create: true }, { write: true }).readViaStream(0n);
  assert.is(await collect(content), '');
  assert.equal(await ended, err('bad-descriptor'));
});

files('are listed as a stream', async () => {
  const root = rootOf();
  root.createDirectoryAt('made');
  const [entries, ended] = root.readDirectory();
  assert.equal(
    [...entries].map(({ type, name }) => [type.tag, name]),
    [
      ['directory', 'dir'],
      ['directory', 'made'],
    ],
  );
  assert.equal(await ended, OK);
  const [none, refused] = root.openAt({}, 'dir/a.txt', {}, {}).readDirectory();
  assert.equal([...none], []);
  assert.equal(await refused, err('not-directory'));
});

files('open with what was asked for: nothing means to read, to make means to write', () => {
  const root = rootOf();
  const flagsOf = (path: string, open: object, flags: object) => {
    const {
      read = false,
      write: writes = false,
      mutateDirectory = false,
    } = root.openAt({}, path, open, flags).getFlags();
    return { read, write: writes, mutateDirectory };
  };
  const none = { read: false, write: false, mutateDirectory: false };
  assert.equal(flagsOf('dir/a.txt', {}, {}), { ...none, read: true });
  assert.equal(flagsOf('made', { create: true }, {}), { ...none, read: true, write: true });
  assert.equal(flagsOf('made', {}, { write: true }), { ...none, write: true });
  assert.equal(flagsOf('dir', {}, {}), { ...none, read: true });
  assert.equal(flagsOf('dir', {}, { mutateDirectory: true }), { ...none, read: true, mutateDirectory: true });
});

files('say what they are', () => {
  const root = rootOf();
  const file = root.openAt({}, 'dir/a.txt', {}, {});
  assert.equal(root.getType(), { tag: 'directory' });
  assert.equal(file.getType(), { tag: 'regular-file' });
  assert.is(file.stat().size, 5n);
  assert.equal(root.statAt({}, 'dir').type, { tag: 'directory' });
  assert.ok(file.isSameObject(root.openAt({}, 'dir/a.txt', {}, {})));
  assert.equal(file.metadataHash(), root.metadataHashAt({}, 'dir/a.txt'));
});

for (const [what, call, tag] of [
  ['open what is not there', (root) => root.openAt({}, 'none', {}, {}), 'no-entry'],
  ['leave the directory', (root) => root.openAt({}, '../x', {}, {}), 'not-permitted'],
  ['name a path with a NUL', (root) => root.openAt({}, 'a\0b', {}, {}), 'invalid'],
  ['change a package', (root) => root.unlinkFileAt('dir/a.txt'), 'read-only'],
  ['set its size', (root) => root.openAt({}, 'dir/a.txt', {}, {}).setSize(1n), 'bad-descriptor'],
  [
    'set its times',
    (root) => root.openAt({}, 'dir/a.txt', {}, {}).setTimes({ tag: 'now' }, { tag: 'now' }),
    'read-only',
  ],
  ['make what is there', (root) => root.createDirectoryAt('dir'), 'exist'],
  ['remove what is full', (root) => root.removeDirectoryAt('dir'), 'not-empty'],
  ['read what is no link', (root) => root.readlinkAt('dir'), 'invalid'],
  ['link to a directory', (root) => root.linkAt({}, 'dir', root, 'b'), 'not-permitted'],
  ['rename what is not there', (root) => root.renameAt('none', root, 'b'), 'no-entry'],
  ['make an absolute link', (root) => root.symlinkAt('/etc', 'b'), 'not-permitted'],
  ['set times of nothing', (root) => root.setTimesAt({}, 'none', { tag: 'now' }, { tag: 'now' }), 'no-entry'],
  ['advise on a directory', (root) => root.advise(), 'bad-descriptor'],
] as const satisfies readonly (readonly [string, (root: Descriptor3) => unknown, string])[]) {
  files(`a guest cannot ${what}: ${tag}`, () =>
    assert.equal(
      thrown(() => call(rootOf())),
      { tag },
    ),
  );
}

files('are made, linked, renamed and removed', () => {
  const root = rootOf();
  root.openAt({}, 'a', { create: true, exclusive: true }, write).setSize(3n);
  root.linkAt({}, 'a', root, 'b');
  root.symlinkAt('b', 'c');
  assert.is(root.readlinkAt('c'), 'b');
  assert.is(root.statAt({ symlinkFollow: true }, 'c').size, 3n);
  root.renameAt('b', root, 'd');
  root.unlinkFileAt('d');
  root.unlinkFileAt('a');
  root.unlinkFileAt('c');
  root.createDirectoryAt('e');
  root.removeDirectoryAt('e');
  const file = root.openAt({}, 'dir/a.txt', {}, {});
  file.advise();
  file.sync();
  file.syncData();
  assert.equal(
    [...root.readDirectory()[0]].map(({ name }) => name),
    ['dir'],
  );
});

files.run();

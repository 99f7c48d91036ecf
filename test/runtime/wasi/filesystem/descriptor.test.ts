import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Descriptor } from '../../../../runtime/wasi/filesystem/descriptor.ts';
import { createWasi, FileTree, fileImage } from '../../../../runtime/wasi/index.ts';
import { IoError } from '../../../../runtime/wasi/io/error.ts';
import { backend, ManualClock, text, thrown, utf8 } from '../backend.ts';

const FOLLOW = { symlinkFollow: true };
const READ = { read: true };
const BOTH = { read: true, write: true };
const descriptor = suite('descriptor');

/** The root of a tree with the packaged files `data/big` and `hello`, and little scratch space. */
function open(scratch: { bytes?: number; nodes?: number } = {}) {
  const image = fileImage([
    ['hello', utf8('hello')],
    ['data/big', new Uint8Array(3_000_000)],
  ]);
  const tree = new FileTree({ image, scratchBytes: scratch.bytes ?? 100, scratchNodes: scratch.nodes ?? 10 });
  const wasi = createWasi(backend({ files: tree, clock: new ManualClock() }));
  const preopens = wasi.imports['wasi:filesystem/preopens']!['getDirectories'] as () => [Descriptor, string][];
  return { tree, wasi, root: preopens()[0]![0], another: () => preopens()[0]![0] };
}

function put(root: Descriptor, path: string, contents: string): void {
  const file = root.openAt({}, path, { create: true }, { write: true });
  file.write(utf8(contents), 0n);
  file[Symbol.dispose]();
}

function get(root: Descriptor, path: string): string {
  const file = root.openAt(FOLLOW, path, {}, READ);
  const [bytes] = file.read(1000n, 0n);
  file[Symbol.dispose]();
  return text(bytes);
}

function names(directory: Descriptor): string[] {
  const stream = directory.readDirectory();
  const found: string[] = [];
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) found.push(entry.name);
  stream[Symbol.dispose]();
  return found;
}

/** Each act on a tree with `f` (scratch file), `d/e` (scratch directories), `to-f`, `up`, `out`, `loop`, `gone` (links). */
const REFUSALS: readonly (readonly [string, string, (root: Descriptor) => unknown])[] = [
  ['opening nothing', 'no-entry', (root) => root.openAt({}, 'nothing', {}, READ)],
  ['opening the empty path', 'no-entry', (root) => root.openAt({}, '', {}, READ)],
  ['opening an absolute path', 'not-permitted', (root) => root.openAt({}, '/f', {}, READ)],
  ['opening above the root', 'not-permitted', (root) => root.openAt({}, 'd/../../f', {}, READ)],
  ['opening a path with a NUL', 'invalid', (root) => root.openAt({}, 'f\0', {}, READ)],
  ['opening a file as a directory', 'not-directory', (root) => root.openAt({}, 'f', { directory: true }, READ)],
  ['opening a file with a slash behind it', 'not-directory', (root) => root.openAt({}, 'f/', {}, READ)],
  ['opening below a file', 'not-directory', (root) => root.openAt({}, 'f/x', { create: true }, BOTH)],
  ['opening a directory to write', 'is-directory', (root) => root.openAt({}, 'd', {}, BOTH)],
  ['truncating a directory', 'is-directory', (root) => root.openAt({}, 'd', { truncate: true }, READ)],
  ['creating what is there', 'exist', (root) => root.openAt({}, 'f', { create: true, exclusive: true }, BOTH)],
  ['creating over a link', 'exist', (root) => root.openAt(FOLLOW, 'gone', { create: true, exclusive: true }, BOTH)],
  ['creating a directory by open', 'invalid', (root) => root.openAt({}, 'x', { create: true, directory: true }, READ)],
  ['creating a file with a slash', 'is-directory', (root) => root.openAt({}, 'x/', { create: true }, BOTH)],
  ['opening a link itself', 'loop', (root) => root.openAt({}, 'to-f', {}, READ)],
  ['following a link to itself', 'loop', (root) => root.openAt(FOLLOW, 'loop', {}, READ)],
  ['following a link above the root', 'not-permitted', (root) => root.openAt(FOLLOW, 'out', {}, READ)],
  ['following a link above the root in mid-path', 'not-permitted', (root) => root.statAt({}, 'out/x')],
  ['following a link to nothing', 'no-entry', (root) => root.openAt(FOLLOW, 'gone', {}, READ)],
  ['leaving a subdirectory', 'not-permitted', (root) => root.openAt({}, 'd', {}, READ).openAt({}, '../f', {}, READ)],
  ['writing a packaged file', 'read-only', (root) => root.openAt({}, 'hello', {}, BOTH)],
  ['truncating a packaged file', 'read-only', (root) => root.openAt({}, 'hello', { truncate: true }, READ)],
  ['removing a packaged file', 'read-only', (root) => root.unlinkFileAt('hello')],
  ['moving a packaged file', 'read-only', (root) => root.renameAt('hello', root, 'x')],
  ['moving over a packaged file', 'read-only', (root) => root.renameAt('f', root, 'hello')],
  ['moving a packaged directory', 'read-only', (root) => root.renameAt('data', root, 'x')],
  ['dating a packaged file', 'read-only', (root) => root.setTimesAt({}, 'hello', { tag: 'now' }, { tag: 'now' })],
  ['reading what is open to write', 'bad-descriptor', (root) => root.openAt({}, 'f', {}, { write: true }).read(1n, 0n)],
  [
    'streaming what is open to write',
    'bad-descriptor',
    (root) => root.openAt({}, 'f', {}, { write: true }).readViaStream(0n),
  ],
  ['writing what is open to read', 'bad-descriptor', (root) => root.openAt({}, 'f', {}, READ).write(utf8('x'), 0n)],
  ['cutting what is open to read', 'bad-descriptor', (root) => root.openAt({}, 'f', {}, READ).setSize(0n)],
  ['appending to what is open to read', 'bad-descriptor', (root) => root.openAt({}, 'f', {}, READ).appendViaStream()],
  ['reading a directory as a file', 'is-directory', (root) => root.read(1n, 0n)],
  ['listing a file', 'not-directory', (root) => root.openAt({}, 'f', {}, READ).readDirectory()],
  ['making a directory twice', 'exist', (root) => root.createDirectoryAt('d')],
  ['making a directory over a link', 'exist', (root) => root.createDirectoryAt('gone')],
  ['making the root', 'exist', (root) => root.createDirectoryAt('.')],
  ['making a directory in nothing', 'no-entry', (root) => root.createDirectoryAt('nothing/x')],
  ['removing a directory that has entries', 'not-empty', (root) => root.removeDirectoryAt('d')],
  ['removing a file as a directory', 'not-directory', (root) => root.removeDirectoryAt('f')],
  ['removing the root', 'invalid', (root) => root.removeDirectoryAt('d/..')],
  ['removing a directory as a file', 'is-directory', (root) => root.unlinkFileAt('d')],
  ['removing a file with a slash', 'not-directory', (root) => root.unlinkFileAt('f/')],
  ['linking a directory', 'not-permitted', (root) => root.linkAt({}, 'd', root, 'x')],
  ['linking over something', 'exist', (root) => root.linkAt({}, 'f', root, 'd')],
  ['reading a link that is a file', 'invalid', (root) => root.readlinkAt('f')],
  ['making an absolute link', 'not-permitted', (root) => root.symlinkAt('/etc/passwd', 'x')],
  ['making an empty link', 'no-entry', (root) => root.symlinkAt('', 'x')],
  ['making a link with a NUL', 'invalid', (root) => root.symlinkAt('a\0', 'x')],
  ['making a link over something', 'exist', (root) => root.symlinkAt('f', 'd')],
  ['moving a directory into itself', 'invalid', (root) => root.renameAt('d', root, 'd/e/d')],
  ['moving a directory over a file', 'not-directory', (root) => root.renameAt('d', root, 'f')],
  ['moving a file over a directory', 'is-directory', (root) => root.renameAt('f', root, 'd')],
  ['moving a file to a path with a slash', 'not-directory', (root) => root.renameAt('f', root, 'x/')],
  [
    'moving over a directory that has entries',
    'not-empty',
    (root) => {
      root.createDirectoryAt('z');
      root.renameAt('z', root, 'd');
    },
  ],
  ['moving the root', 'invalid', (root) => root.renameAt('.', root, 'x')],
  [
    'a time with too many nanoseconds',
    'invalid',
    (root) => root.setTimesAt({}, 'f', { tag: 'timestamp', val: { seconds: 0n, nanoseconds: 1e9 } }, { tag: 'now' }),
  ],
  [
    'a write far beyond the quota',
    'insufficient-space',
    (root) => root.openAt({}, 'f', {}, BOTH).write(utf8('x'), 2n ** 40n),
  ],
  [
    'a write beyond every number',
    'file-too-large',
    (root) => root.openAt({}, 'f', {}, BOTH).write(utf8('x'), 2n ** 64n - 1n),
  ],
  ['a size beyond the quota', 'insufficient-space', (root) => root.openAt({}, 'f', {}, BOTH).setSize(101n)],
  ['a size beyond every number', 'file-too-large', (root) => root.openAt({}, 'f', {}, BOTH).setSize(2n ** 63n)],
];

for (const [what, code, act] of REFUSALS) {
  descriptor(`${what} is refused with ${code} and changes no count`, () => {
    const { tree, root } = open();
    put(root, 'f', 'file');
    root.createDirectoryAt('d');
    root.createDirectoryAt('d/e');
    root.symlinkAt('f', 'to-f');
    root.symlinkAt('../f', 'out');
    root.symlinkAt('loop', 'loop');
    root.symlinkAt('nothing', 'gone');
    const before = { bytes: tree.usedBytes, names: names(root).filter((name) => name !== 'z') };
    assert.is(
      thrown(() => act(root)),
      code,
    );
    assert.equal({ bytes: tree.usedBytes, names: names(root).filter((name) => name !== 'z') }, before);
  });
}

descriptor('without scratch space everything that changes is refused as read-only', () => {
  const { root, another } = open({ bytes: 0, nodes: 0 });
  assert.equal(root.getFlags(), { read: true, mutateDirectory: false });
  for (const act of [
    () => root.openAt({}, 'x', { create: true }, BOTH),
    () => root.openAt({}, 'hello', {}, BOTH),
    () => root.openAt({}, 'hello', { truncate: true }, READ),
    () => root.createDirectoryAt('x'),
    () => root.symlinkAt('a', 'x'),
    () => root.linkAt({}, 'hello', another(), 'x'),
    () => root.renameAt('hello', another(), 'x'),
    () => root.unlinkFileAt('hello'),
    () => root.openAt({}, 'data', { directory: true }, READ).createDirectoryAt('x'),
  ])
    assert.is(thrown(act), 'read-only');
  assert.is(get(root, 'hello'), 'hello');
});

descriptor('reads in pieces, tells the end, and clips a huge length', () => {
  const { root } = open();
  const file = root.openAt({}, 'hello', {}, READ);
  assert.equal([text(file.read(3n, 0n)[0]), file.read(3n, 0n)[1]], ['hel', false]);
  assert.equal([text(file.read(3n, 3n)[0]), file.read(3n, 3n)[1]], ['lo', true]);
  assert.equal(file.read(2n ** 64n - 1n, 2n ** 64n - 1n), [new Uint8Array(0), true]);
  const [bytes, end] = root.openAt({}, 'data/big', {}, READ).read(2n ** 64n - 1n, 0n);
  assert.equal([bytes.length, end], [1024 * 1024, false]);
});

descriptor('writes at an offset, leaves zeroes in a gap, and counts every byte', () => {
  const { tree, root } = open();
  const file = root.openAt({}, 'f', { create: true }, BOTH);
  file.write(utf8('ab'), 0n);
  file.write(utf8('cd'), 4n);
  assert.is(text(file.read(10n, 0n)[0]), 'ab\0\0cd');
  assert.is(tree.usedBytes, 6);
  file.setSize(3n);
  file.setSize(6n);
  assert.is(text(file.read(10n, 0n)[0]), 'ab\0\0\0\0');
  file.setSize(0n);
  assert.is(tree.usedBytes, 0);
});

descriptor('a cut wipes what was behind, also when the memory is kept', () => {
  const { root } = open();
  const file = root.openAt({}, 'f', { create: true }, BOTH);
  file.write(utf8('secret'), 0n);
  file.setSize(5n);
  file.setSize(6n);
  assert.is(text(file.read(10n, 0n)[0]), 'secre\0');
});

descriptor('the quota is exact: the last byte fits, one more is refused and writes nothing', () => {
  const { tree, root } = open();
  const file = root.openAt({}, 'f', { create: true }, BOTH);
  file.write(new Uint8Array(99), 0n);
  assert.is(
    thrown(() => file.write(utf8('ab'), 99n)),
    'insufficient-space',
  );
  file.write(utf8('a'), 99n);
  assert.is(tree.usedBytes, 100);
  assert.is(file.stat().size, 100n);
});

descriptor('names count too: directories, links and files share the limit of entries', () => {
  const { tree, root } = open({ nodes: 3 });
  root.createDirectoryAt('a');
  root.symlinkAt('x', 'b');
  put(root, 'c', '');
  for (const act of [
    () => root.createDirectoryAt('d'),
    () => root.symlinkAt('x', 'd'),
    () => root.linkAt({}, 'c', root, 'd'),
    () => root.openAt({}, 'd', { create: true }, BOTH),
  ])
    assert.is(thrown(act), 'insufficient-space');
  assert.equal([tree.usedNodes, tree.usedBytes], [3, 1]);
  root.unlinkFileAt('b');
  assert.equal([tree.usedNodes, tree.usedBytes], [2, 0]);
});

descriptor('an unlinked file lives, and counts, until its last descriptor and stream are dropped', () => {
  const { tree, root } = open();
  const file = root.openAt({}, 'f', { create: true }, BOTH);
  file.write(utf8('still here'), 0n);
  root.unlinkFileAt('f');
  const stream = file.readViaStream(6n);
  file[Symbol.dispose]();
  file[Symbol.dispose]();
  assert.is(tree.usedBytes, 10);
  assert.is(text(stream.read(10n)), 'here');
  stream[Symbol.dispose]();
  assert.equal([tree.usedBytes, tree.usedNodes], [0, 0]);
});

descriptor('streams write at their offset and at the end, and tell the reason when the quota ends them', () => {
  const { root } = open();
  const file = root.openAt({}, 'f', { create: true }, BOTH);
  const from = file.writeViaStream(2n);
  from.blockingWriteAndFlush(utf8('cd'));
  from.blockingWriteAndFlush(utf8('ef'));
  file.appendViaStream().blockingWriteAndFlush(utf8('g'));
  assert.is(get(root, 'f'), '\0\0cdefg');
  const error = thrown(() => file.appendViaStream().blockingWriteAndFlush(new Uint8Array(94))) as { val: IoError };
  assert.is(IoError.filesystemErrorCode(error.val), 'insufficient-space');
});

descriptor('a write stream far outside fails as file-too-large, not as a number that lost its end', () => {
  const { root } = open();
  const stream = root.openAt({}, 'f', { create: true }, BOTH).writeViaStream(2n ** 64n - 1n);
  const error = thrown(() => stream.blockingWriteAndFlush(utf8('x'))) as { val: IoError };
  assert.is(IoError.filesystemErrorCode(error.val), 'file-too-large');
});

descriptor('links are followed within the root, also through directories and dots', () => {
  const { root } = open();
  root.createDirectoryAt('d');
  put(root, 'd/f', 'found');
  root.symlinkAt('d', 'dir');
  root.symlinkAt('../d/f', 'd/round');
  root.symlinkAt('dir/round', 'twice');
  for (const path of ['d/f', 'dir/f', 'dir/round', 'twice', './dir/../d/./f']) assert.is(get(root, path), 'found');
  assert.is(root.readlinkAt('d/round'), '../d/f');
  assert.is(root.statAt({}, 'twice').type, 'symbolic-link');
  assert.is(root.statAt(FOLLOW, 'twice').type, 'regular-file');
  assert.is(root.statAt({}, 'dir/').type, 'directory');
});

descriptor('creating through a link to nothing makes what it names', () => {
  const { root } = open();
  root.symlinkAt('made', 'to-made');
  root.openAt(FOLLOW, 'to-made', { create: true }, BOTH).write(utf8('x'), 0n);
  assert.is(get(root, 'made'), 'x');
});

descriptor('hard links share their bytes and count themselves', () => {
  const { tree, root } = open();
  put(root, 'a', 'same');
  root.linkAt({}, 'a', root, 'b');
  assert.is(root.statAt({}, 'b').linkCount, 2n);
  assert.ok(root.openAt({}, 'a', {}, READ).isSameObject(root.openAt({}, 'b', {}, READ)));
  assert.equal(root.metadataHashAt({}, 'a'), root.metadataHashAt({}, 'b'));
  root.renameAt('a', root, 'b');
  assert.equal(names(root), ['hello', 'data', 'a', 'b']);
  root.unlinkFileAt('a');
  assert.is(get(root, 'b'), 'same');
  assert.is(tree.usedBytes, 4);
  root.linkAt({}, 'hello', root, 'mine');
  root.unlinkFileAt('mine');
  assert.is(get(root, 'hello'), 'hello');
});

descriptor('rename replaces a file, whose bytes come back, and an empty directory', () => {
  const { tree, root } = open();
  put(root, 'a', 'new');
  put(root, 'b', 'older');
  root.renameAt('a', root, 'b');
  assert.equal([get(root, 'b'), tree.usedBytes, tree.usedNodes], ['new', 3, 1]);
  root.createDirectoryAt('d');
  put(root, 'd/x', 'x');
  root.createDirectoryAt('e');
  root.renameAt('d', root, 'e');
  assert.equal([get(root, 'e/x'), tree.usedNodes], ['x', 3]);
  const directory = root.openAt({}, 'e', {}, READ);
  root.renameAt('e', root, 'moved');
  assert.is(get(directory, 'x'), 'x');
});

descriptor('a directory that was removed takes nothing in any more', () => {
  const { tree, root } = open();
  root.createDirectoryAt('d');
  const directory = root.openAt({}, 'd', {}, READ);
  put(root, 'f', 'x');
  root.removeDirectoryAt('d');
  for (const act of [
    () => directory.openAt({}, 'x', { create: true }, BOTH),
    () => directory.createDirectoryAt('x'),
    () => directory.symlinkAt('a', 'x'),
    () => root.renameAt('f', directory, 'f'),
    () => root.linkAt({}, 'f', directory, 'f'),
  ])
    assert.is(thrown(act), 'no-entry');
  assert.is(directory.stat().type, 'directory');
  assert.is(tree.usedNodes, 1);
});

descriptor('a running directory stream leaves out what was removed and what was made after it began', () => {
  const { root } = open();
  for (const name of ['a', 'b', 'c']) put(root, name, '');
  const stream = root.readDirectory();
  const first = stream.readDirectoryEntry();
  assert.equal(first, { type: 'regular-file', name: 'hello' });
  root.unlinkFileAt('b');
  put(root, 'd', '');
  root.renameAt('a', root, 'a2');
  const rest: string[] = [];
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) rest.push(entry.name);
  assert.equal(rest, ['data', 'c']);
});

descriptor('times are kept, and only the ones that were told', () => {
  const { root } = open();
  put(root, 'f', '');
  const at = { seconds: 7n, nanoseconds: 8 };
  root.setTimesAt({}, 'f', { tag: 'timestamp', val: at }, { tag: 'no-change' });
  const stat = root.statAt({}, 'f');
  assert.equal(stat.dataAccessTimestamp, at);
  assert.equal(stat.dataModificationTimestamp, { seconds: 0n, nanoseconds: 0 });
});

descriptor('two instances with the same package share no change', () => {
  const image = fileImage([['d/a', utf8('a')]]);
  const roots = [1, 2].map(() => {
    const files = new FileTree({ image, scratchBytes: 10, scratchNodes: 10 });
    const { imports } = createWasi(backend({ files }));
    return (imports['wasi:filesystem/preopens']!['getDirectories'] as () => [Descriptor, string][])()[0]![0];
  });
  put(roots[0]!, 'd/mine', 'secret');
  assert.equal(names(roots[1]!.openAt({}, 'd', {}, READ)), ['a']);
  assert.is(
    thrown(() => roots[0]!.renameAt('d/mine', roots[1]!, 'x')),
    'cross-device',
  );
});

descriptor('a symbolic link may have two names, and counts once', () => {
  const { tree, root } = open();
  root.symlinkAt('nowhere', 'first');
  root.linkAt({}, 'first', root, 'second');
  assert.is(root.statAt({}, 'second').linkCount, 2n);
  assert.is(root.readlinkAt('second'), 'nowhere');
  assert.is(
    thrown(() => root.linkAt(FOLLOW, 'first', root, 'third')),
    'no-entry',
  );
  root.unlinkFileAt('first');
  assert.is(tree.usedBytes, 'nowhere'.length);
  root.unlinkFileAt('second');
  assert.equal([tree.usedBytes, tree.usedNodes], [0, 0]);
});

descriptor.run();

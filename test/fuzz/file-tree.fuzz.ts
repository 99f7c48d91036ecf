import * as assert from 'uvu/assert';
import type { Descriptor } from '../../runtime/wasi/filesystem/descriptor.ts';
import { createWasi, FileTree, fileImage } from '../../runtime/wasi/index.ts';
import { backend } from '../runtime/wasi/backend.ts';
import type { SeededRandom } from '../support/random.ts';

const BYTES = 2000;
const NODES = 12;
const NAMES = [
  'a',
  'b',
  'c',
  'pkg',
  'read',
  '.',
  '..',
  'a/b',
  'b/a',
  'a/b/c',
  '../a',
  'pkg/x',
  'c/..',
  'a/',
  './b',
  'pkg/../a',
];
const CODES = new Set([
  'bad-descriptor',
  'exist',
  'file-too-large',
  'insufficient-space',
  'invalid',
  'is-directory',
  'loop',
  'no-entry',
  'not-directory',
  'not-empty',
  'not-permitted',
  'read-only',
]);

/**
 * Random calls on a tree answer with one of the known codes, never with a mistake; at every moment the counts are exact, the
 * package is as it was, and reachable directories form a tree. In the end, when all is dropped and removed, nothing is counted.
 */
export default function fileTree(random: SeededRandom): void {
  const image = fileImage([
    ['read', new TextEncoder().encode('packaged')],
    ['pkg/deep/file', new TextEncoder().encode('deep')],
  ]);
  const files = new FileTree({ image, scratchBytes: BYTES, scratchNodes: NODES });
  const wasi = createWasi(backend({ files }));
  const preopens = wasi.imports['wasi:filesystem/preopens']!['getDirectories'] as () => [Descriptor, string][];
  const root = preopens()[0]![0];
  const open: Descriptor[] = [];
  for (let step = 0; step < 120; step++) {
    attempt(() => act(random, random.pick([root, root, ...open]), root, open));
    checkCounts(files, root, open);
  }
  for (const each of open) each[Symbol.dispose]();
  clear(root, root.readDirectory());
  assert.equal([files.usedBytes, files.usedNodes, wasi.handles], [0, 0, 1]);
}

function attempt(call: () => void): void {
  try {
    call();
  } catch (code) {
    if (typeof code !== 'string' || !CODES.has(code)) throw code;
  }
}

/** One random call; drops the oldest descriptor when there are many. */
function act(random: SeededRandom, base: Descriptor, root: Descriptor, open: Descriptor[]): void {
  const [path, other] = [random.pick(NAMES), random.pick(NAMES)];
  const follow = { symlinkFollow: random.below(2) === 1 };
  const length = random.pick([0, 1, 10, 700, 1900, 5000]);
  const seldom = () => random.below(3) === 0;
  const calls: (() => unknown)[] = [
    () => {
      const how = { create: !seldom(), directory: seldom(), exclusive: seldom(), truncate: seldom() };
      open.push(base.openAt(follow, path, how, { read: true, write: !seldom() }));
      if (open.length > 6) open.shift()![Symbol.dispose]();
    },
    () => base.write(random.bytes(length % 1900), BigInt(random.pick([0, 5, 1500]))),
    () => base.setSize(BigInt(length)),
    () => base.createDirectoryAt(path),
    () => base.symlinkAt(other, path),
    () => base.linkAt(follow, path, root, other),
    () => base.unlinkFileAt(path),
    () => base.removeDirectoryAt(path),
    () => base.renameAt(path, random.pick([root, base]), other),
    () => base.statAt(follow, path),
    () => open.splice(random.below(open.length + 1), 1)[0]?.[Symbol.dispose](),
  ];
  random.pick([...calls, calls[0]!, calls[8]!])();
}

/** Counts what can be reached or is open, and compares. */
function checkCounts(files: FileTree, root: Descriptor, open: readonly Descriptor[]): void {
  const sizes = new Map<string, number>();
  const directories = new Set<string>();
  let entries = 0;
  const count = (at: Descriptor, flags: { symlinkFollow?: boolean }, name: string) => {
    const [stat, { lower }] = [at.statAt(flags, name), at.metadataHashAt(flags, name)];
    sizes.set(String(lower), Number(stat.size));
  };
  const visit = (directory: Descriptor) => {
    const id = String(directory.metadataHash().lower);
    assert.not.ok(directories.has(id), 'a directory is reachable in two ways');
    directories.add(id);
    const stream = directory.readDirectory();
    for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) {
      entries += 1;
      count(directory, {}, entry.name);
      if (entry.type !== 'directory') continue;
      const below = directory.openAt({}, entry.name, { directory: true }, { read: true });
      visit(below);
      below[Symbol.dispose]();
    }
    stream[Symbol.dispose]();
  };
  visit(root);
  for (const each of open) {
    if (each.getType() === 'regular-file') sizes.set(String(each.metadataHash().lower), Number(each.stat().size));
  }
  const packaged = { bytes: 'packaged'.length + 'deep'.length, entries: 4 };
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  assert.is(files.usedBytes, bytes - packaged.bytes);
  assert.is(files.usedNodes, entries - packaged.entries);
  assert.ok(files.usedBytes <= BYTES && files.usedNodes <= NODES);
}

/** Removes everything that the guest made. */
function clear(directory: Descriptor, stream: ReturnType<Descriptor['readDirectory']>): void {
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) {
    const { name } = entry;
    if (entry.type === 'directory') {
      const below = directory.openAt({}, name, { directory: true }, { read: true });
      clear(below, below.readDirectory());
      below[Symbol.dispose]();
      attempt(() => directory.removeDirectoryAt(name));
    } else {
      attempt(() => directory.unlinkFileAt(name));
    }
  }
  stream[Symbol.dispose]();
}

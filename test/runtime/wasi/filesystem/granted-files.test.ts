import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Descriptor } from '../../../../runtime/wasi/filesystem/descriptor.ts';
import { createWasi, type GrantedDirectory, GrantedFiles } from '../../../../runtime/wasi/index.ts';
import { backend, ManualClock, text, thrown, utf8 } from '../backend.ts';

const READ = { read: true };
const BOTH = { read: true, write: true };
const granted = suite('granted files');

const file = (path: string, contents: string) => ({ names: path.split('/'), bytes: utf8(contents) });
const DIRECTORIES: readonly GrantedDirectory[] = [
  { path: '/data', at: ['data'], writable: false, files: [file('a.txt', 'packaged'), file('deep/b.txt', 'below')] },
  { path: '/data/tmp', at: ['data', 'tmp'], writable: true, files: [] },
  { path: 'work.dir', at: ['work.dir'], writable: true, files: [file('in/c.txt', 'changeable')] },
];

function open(files: GrantedFiles) {
  const tree = files.tree();
  const wasi = createWasi(backend({ files: tree, clock: new ManualClock() }));
  const preopens = wasi.imports['wasi:filesystem/preopens']!['getDirectories'] as () => [Descriptor, string][];
  return { tree, given: new Map(preopens().map(([descriptor, path]) => [path, descriptor])) };
}

function get(root: Descriptor, path: string): string {
  return text(root.openAt({}, path, {}, READ).read(1000n, 0n)[0]);
}

granted('the guest has the directories that it was granted, under their names, and nothing above them', () => {
  const { given } = open(new GrantedFiles(DIRECTORIES, 100));
  assert.equal([...given.keys()], ['/data', '/data/tmp', 'work.dir']);
  assert.is(get(given.get('/data')!, 'a.txt'), 'packaged');
  assert.is(get(given.get('/data')!, 'deep/b.txt'), 'below');
  assert.is(get(given.get('work.dir')!, 'in/c.txt'), 'changeable');
  assert.is(
    thrown(() => given.get('/data')!.openAt({}, '../work.dir/in/c.txt', {}, READ)),
    'not-permitted',
  );
});

granted('what is read-only stays as it is', () => {
  const data = open(new GrantedFiles(DIRECTORIES, 100)).given.get('/data')!;
  for (const act of [
    () => data.openAt({}, 'a.txt', {}, BOTH),
    () => data.openAt({}, 'new', { create: true }, BOTH),
    () => data.openAt({}, 'tmp/new', { create: true }, BOTH),
    () => data.unlinkFileAt('a.txt'),
    () => data.createDirectoryAt('d'),
    () => data.symlinkAt('a.txt', 'l'),
    () => data.openAt({}, 'deep', { directory: true }, READ).unlinkFileAt('b.txt'),
  ]) {
    assert.is(thrown(act), 'read-only');
  }
});

granted('what is in scratch can be changed, moved and removed, each time anew', () => {
  const files = new GrantedFiles(DIRECTORIES, 100);
  const first = open(files);
  const work = first.given.get('work.dir')!;
  const changed = work.openAt({}, 'in/c.txt', {}, BOTH);
  changed.write(utf8('C'), 0n);
  assert.is(get(work, 'in/c.txt'), 'Changeable');
  changed.setSize(1n);
  assert.is(get(work, 'in/c.txt'), 'C');
  work.renameAt('in/c.txt', first.given.get('/data/tmp')!, 'moved');
  assert.is(get(first.given.get('/data')!, 'tmp/moved'), 'C');
  work.removeDirectoryAt('in');
  assert.is(
    thrown(() => get(work, 'in/c.txt')),
    'no-entry',
  );
  // Another invocation has its own.
  assert.is(get(open(files).given.get('work.dir')!, 'in/c.txt'), 'changeable');
});

granted('what is in scratch at the start counts, and is given back', () => {
  const { tree, given } = open(new GrantedFiles(DIRECTORIES, 12));
  assert.equal([tree.usedBytes, tree.usedNodes], [10, 2]);
  const work = given.get('work.dir')!;
  const opened = work.openAt({}, 'new', { create: true }, BOTH);
  assert.is(
    thrown(() => opened.write(utf8('123'), 0n)),
    'insufficient-space',
  );
  work.unlinkFileAt('in/c.txt');
  assert.equal([tree.usedBytes, tree.usedNodes], [0, 2]);
  opened.write(utf8('123456789012'), 0n);
  assert.is(tree.usedBytes, 12);
});

for (const [name, directories, bytes, words] of [
  ['more than fits', DIRECTORIES, 9, 'expected at most 9 bytes in scratch directories, got 10'],
  ['a file twice', [{ ...DIRECTORIES[0]!, files: [file('a', ''), file('a', '')] }], 1, 'expected each file once'],
  [
    'a file as a directory',
    [{ ...DIRECTORIES[0]!, files: [file('a', ''), file('a/b', '')] }],
    1,
    'expected a directory, got the file "a"',
  ],
] as const) {
  granted(`${name} is refused`, () => {
    assert.throws(
      () => new GrantedFiles(directories, bytes),
      (error: Error) => error.message.includes(words),
    );
  });
}

granted.run();

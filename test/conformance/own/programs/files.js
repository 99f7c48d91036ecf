// Everything of wasi:filesystem, and the streams of files.
import stderrModule from 'wasi:cli/stderr@0.2.12';
import stdoutModule from 'wasi:cli/stdout@0.2.12';
import preopensModule from 'wasi:filesystem/preopens@0.2.12';
import typesModule from 'wasi:filesystem/types@0.2.12';
import httpModule from 'wasi:http/types@0.2.12';
import errorModule from 'wasi:io/error@0.2.12';
import pollModule from 'wasi:io/poll@0.2.12';
import streamsModule from 'wasi:io/streams@0.2.12';
import { equal, fails, ok, report, text, utf8, watched } from './check.js';

const { getStdout } = stdoutModule;
const { getStderr } = stderrModule;
const { getDirectories } = watched('wasi:filesystem/preopens', preopensModule);
const { filesystemErrorCode } = watched('wasi:filesystem/types', typesModule);
const { httpErrorCode } = watched('wasi:http/types', httpModule);
watched('wasi:io/error', errorModule);
watched('wasi:io/poll', pollModule);
watched('wasi:io/streams', streamsModule);

const FOLLOW = { symlinkFollow: true };
const READ = { read: true };
const WRITE = { read: true, write: true };

let root;

/** Opens a file, makes it when asked to. */
const open = (path, openFlags = {}, flags = READ, pathFlags = {}) => root.openAt(pathFlags, path, openFlags, flags);

const make = (path, content) => {
  const file = open(path, { create: true }, WRITE);
  file.write(utf8(content), 0);
  return file;
};

const parts = {
  preopens() {
    const directories = getDirectories();
    equal(
      directories.map(([, path]) => path),
      ['/'],
      'the directories',
    );
    root = directories[0][0];
    equal(root.getType(), 'directory', 'of the type');
    equal(root.getFlags().read === true, true, 'that may be read');
  },
  reading() {
    const file = open('greeting.txt');
    const [bytes, end] = file.read(100, 0);
    equal([text(bytes), end], ['hello, file\n', true], 'the whole file');
    equal(text(file.read(4, 7)[0]), 'file', 'a part');
    fails('bad-descriptor', () => file.write(utf8('x'), 0));
    fails('bad-descriptor', () => file.setSize(0));
    fails('is-directory', () => root.read(1, 0));
    file.advise(0, 0, 'sequential');
    fails('is-directory', () => root.advise(0, 0, 'normal'));
  },
  opening() {
    fails('no-entry', () => open('none'));
    fails('not-permitted', () => open('../outside'));
    fails('not-permitted', () => open('/etc/passwd'));
    fails('not-directory', () => open('greeting.txt', { directory: true }));
    fails('exist', () => open('greeting.txt', { create: true, exclusive: true }, WRITE));
    fails('is-directory', () => open('sub', {}, WRITE));
    fails('invalid', () => open('nul\0l'));
    equal(open('sub', { directory: true }).getType(), 'directory', 'a directory');
  },
  writing() {
    const file = make('written', 'abc');
    equal(file.write(utf8('XY'), 5), 2, 'behind a gap');
    equal([...file.read(10, 0)[0]], [97, 98, 99, 0, 0, 88, 89], 'the gap is zero');
    file.setSize(2);
    file.sync();
    file.syncData();
    equal(file.stat().size, 2, 'cut');
    fails('bad-descriptor', () => open('written', {}, { write: true }).read(1, 0));
    fails('insufficient-space', () => file.setSize(10 ** 12));
    equal(open('written', { truncate: true }, WRITE).stat().size, 0, 'emptied when it was opened');
  },
  times() {
    const file = make('times', 'abc');
    const at = { seconds: 5, nanoseconds: 7 };
    file.setTimes({ tag: 'timestamp', val: at }, { tag: 'no-change' });
    equal(file.stat().dataAccessTimestamp, at, 'set by the file');
    root.setTimesAt({}, 'times', { tag: 'no-change' }, { tag: 'timestamp', val: at });
    equal(root.statAt({}, 'times').dataModificationTimestamp, at, 'set by the path');
    root.setTimesAt({}, 'times', { tag: 'now' }, { tag: 'now' });
    ok(file.stat().dataModificationTimestamp.seconds > 1_000_000, 'now');
    fails('no-entry', () => root.setTimesAt({}, 'none', { tag: 'now' }, { tag: 'now' }));
    fails('invalid', () => file.setTimes({ tag: 'timestamp', val: { seconds: 0, nanoseconds: 2e9 } }, { tag: 'now' }));
    fails('no-entry', () => root.statAt({}, 'none'));
  },
  links() {
    const file = make('first', 'linked');
    root.linkAt({}, 'first', root, 'second');
    equal(file.stat().linkCount, 2, 'two names');
    ok(open('second').isSameObject(file), 'of one file');
    ok(!open('greeting.txt').isSameObject(file), 'and not of another');
    equal(file.metadataHash(), root.metadataHashAt({}, 'second'), 'with one hash');
    fails('exist', () => root.linkAt({}, 'first', root, 'second'));
    fails('not-permitted', () => root.linkAt({}, 'sub', root, 'third'));
    root.symlinkAt('sub/inner.txt', 'symbolic');
    equal(root.readlinkAt('symbolic'), 'sub/inner.txt', 'where it leads');
    equal(text(open('symbolic', {}, READ, FOLLOW).read(9, 0)[0]), 'inner\n', 'what is there');
    equal(root.statAt({}, 'symbolic').type, 'symbolic-link', 'itself');
    fails('loop', () => open('symbolic'));
    fails('invalid', () => root.readlinkAt('first'));
    fails('not-permitted', () => root.symlinkAt('/absolute', 'other'));
    fails('no-entry', () => root.metadataHashAt({}, 'none'));
    for (const path of ['first', 'second', 'symbolic']) root.unlinkFileAt(path);
    fails('no-entry', () => root.unlinkFileAt('first'));
    fails('is-directory', () => root.unlinkFileAt('sub'));
  },
  directories() {
    root.createDirectoryAt('made');
    fails('exist', () => root.createDirectoryAt('made'));
    make('made/file', 'x');
    fails('not-empty', () => root.removeDirectoryAt('made'));
    root.renameAt('made/file', root, 'moved');
    fails('no-entry', () => root.renameAt('made/file', root, 'moved'));
    const stream = root.readDirectory();
    const names = [];
    for (let entry = stream.readDirectoryEntry(); entry != null; entry = stream.readDirectoryEntry())
      names.push(entry.name);
    for (const name of ['greeting.txt', 'sub', 'made', 'moved']) ok(names.includes(name), `${name} is listed`);
    root.removeDirectoryAt('made');
    fails('no-entry', () => root.removeDirectoryAt('made'));
    fails('not-directory', () => root.removeDirectoryAt('moved'));
    fails('not-directory', () => open('moved').readDirectory());
  },
  streams() {
    const file = make('stream', '');
    const out = file.writeViaStream(0);
    out.blockingWriteAndFlush(utf8('one two'));
    ok(out.checkWrite() >= 4, 'room');
    out.write(utf8(' end'));
    out.flush();
    out.blockingFlush();
    const appended = file.appendViaStream();
    appended.blockingWriteAndFlush(utf8('!'));
    const input = file.readViaStream(4);
    input.subscribe().block();
    equal(input.blockingSkip(1), 1, 'skipped');
    equal(text(input.blockingRead(100)), 'wo end!', 'what was written');
    fails('closed', () => input.read(1));
    const copy = make('copy', '');
    const [from, to] = [file.readViaStream(0), copy.writeViaStream(0)];
    equal(to.splice(from, 3), 3, 'moved');
    equal(to.blockingSplice(from, 100), 9, 'moved, waiting');
    fails('closed', () => to.splice(from, 1));
    to.blockingWriteZeroesAndFlush(1);
    ok(to.checkWrite() > 1, 'room for a zero');
    to.writeZeroes(1);
    equal(text(copy.read(100, 0)[0]), 'one two end!\0\0', 'the copy');
    fails('bad-descriptor', () => open('copy').writeViaStream(0));
    fails('bad-descriptor', () => open('copy').appendViaStream());
    fails('is-directory', () => root.readViaStream(0));
  },
  failing() {
    const file = make('full', '');
    const out = file.writeViaStream(2 ** 40);
    out.checkWrite();
    let failure;
    try {
      out.write(utf8('x'));
    } catch (error) {
      failure = error?.payload ?? error;
    }
    equal(failure?.tag, 'last-operation-failed', 'what a write over the quota is');
    ok(failure.val.toDebugString().length > 0, 'it says something');
    equal(filesystemErrorCode(failure.val), 'insufficient-space', 'and has a code');
    equal(httpErrorCode(failure.val) ?? null, null, 'and none of http');
    fails('closed', () => out.checkWrite());
  },
};

export const run = {
  run() {
    if (!report(parts, { getStdout, getStderr })) throw new Error('a part failed');
  },
};

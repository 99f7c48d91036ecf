import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DEFAULT_LIMITS,
  FileTree,
  GuestExit,
  memorySink,
  memorySource,
  PREVIEW1_FUNCTIONS,
} from '../../../../runtime/wasi/index.ts';
import { ERRNO } from '../../../../runtime/wasi/preview1/errno.ts';
import { ManualClock, PushSource, text, utf8 } from '../backend.ts';
import { type CallName, Preview1Lab, SIGNATURES } from './lab.ts';

const preview1 = suite('WASI 0.1');

const CREATE = 1;
const TRUNCATE = 8;
const APPEND = 1;

const scratch = () => new FileTree({ scratchBytes: 1_000_000, scratchNodes: 100 });
const withFiles = () => Preview1Lab.open({ files: scratch() });

/** Makes a file with bytes in it and closes it. */
async function make(lab: Preview1Lab, path: string, content = ''): Promise<void> {
  const fd = await lab.open(path, CREATE);
  if (content !== '') assert.is(await lab.call('fd_write', fd, ...lab.vector(lab.text(content, 2048)), 8), 0);
  assert.is(await lab.call('fd_close', fd), 0);
}

/** Names in a directory, read with a buffer of some bytes. */
async function names(lab: Preview1Lab, fd: number, bufferBytes: number): Promise<string[]> {
  const found: string[] = [];
  let cookie = 0n;
  for (;;) {
    assert.is(await lab.call('fd_readdir', fd, 4096, bufferBytes, cookie, 8), 0);
    const used = lab.view.getUint32(8, true);
    let at = 0;
    while (at + 24 <= used) {
      const length = lab.view.getUint32(4096 + at + 16, true);
      if (at + 24 + length > used) break;
      cookie = lab.view.getBigUint64(4096 + at, true);
      found.push(lab.read(4096 + at + 24, length));
      at += 24 + length;
    }
    if (used < bufferBytes) return found;
  }
}

preview1('has the functions that the standard names, and no others', () => {
  assert.equal(PREVIEW1_FUNCTIONS, Object.keys(SIGNATURES).sort());
});

preview1('arguments come with their sizes', async () => {
  const lab = await Preview1Lab.open({ arguments: ['program', 'größe', ''] });
  assert.is(await lab.call('args_sizes_get', 0, 4), 0);
  assert.equal([lab.view.getUint32(0, true), lab.view.getUint32(4, true)], [3, 8 + 8 + 1]);
  assert.is(await lab.call('args_get', 100, 200), 0);
  assert.is(lab.read(200, 17), 'program\0größe\0\0');
  assert.equal(
    [0, 4, 8].map((at) => lab.view.getUint32(100 + at, true)),
    [200, 208, 216],
  );
});

preview1('the environment comes as NAME=value', async () => {
  const lab = await Preview1Lab.open({
    environment: [
      ['A', 'x=y'],
      ['B', 'new\nline'],
    ],
  });
  assert.is(await lab.call('environ_sizes_get', 0, 4), 0);
  assert.equal([lab.view.getUint32(0, true), lab.view.getUint32(4, true)], [2, 6 + 11]);
  assert.is(await lab.call('environ_get', 100, 200), 0);
  assert.is(lab.read(200, 17), 'A=x=y\0B=new\nline\0');
});

preview1('clocks tell time and resolution; others do not exist', async () => {
  const clock = new ManualClock();
  clock.advance(5_000_000_000n);
  const lab = await Preview1Lab.open({ clock });
  for (const [id, time] of [
    [0, 5_000_000_000n],
    [1, 5_000_000_000n],
  ] as const) {
    assert.is(await lab.call('clock_time_get', id, 0n, 0), 0);
    assert.is(lab.view.getBigUint64(0, true), time);
    assert.is(await lab.call('clock_res_get', id, 0), 0);
    assert.ok(lab.view.getBigUint64(0, true) > 0n);
  }
  assert.is(await lab.call('clock_time_get', 2, 0n, 0), ERRNO.inval);
  assert.is(await lab.call('clock_res_get', 9, 0), ERRNO.inval);
});

preview1('random bytes fill what was asked for', async () => {
  const lab = await Preview1Lab.open({ random: (bytes) => void bytes.fill(7) });
  assert.is(await lab.call('random_get', 10, 3), 0);
  assert.equal([...lab.memory.subarray(9, 14)], [0, 7, 7, 7, 0]);
  assert.is(await lab.call('random_get', 0, -1), ERRNO.fault);
});

preview1('more random bytes come than one call of WASI 0.2 may give', async () => {
  let asked = 0;
  const random = (bytes: Uint8Array): void => {
    asked += bytes.length;
    bytes.fill(7);
  };
  const lab = await Preview1Lab.open({ random, limits: { ...DEFAULT_LIMITS, randomBytes: 64 * 1024 } });
  lab.grow(2);
  assert.is(await lab.call('random_get', 0, 3 * 65_536), 0);
  assert.is(asked, 3 * 65_536);
  assert.is(
    lab.memory.every((byte) => byte === 7),
    true,
  );
});

preview1('the exit status arrives as it is', async () => {
  const lab = await Preview1Lab.open();
  try {
    await lab.call('proc_exit', 33);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, GuestExit);
    assert.is((error as GuestExit).exitCode, 33);
  }
  assert.is(await lab.call('proc_raise', 6), ERRNO.notsup);
  assert.is(await lab.call('sched_yield'), 0);
});

preview1('standard streams carry bytes', async () => {
  const [stdout, stderr] = [memorySink(1000), memorySink(1000)];
  const lab = await Preview1Lab.open({ stdin: memorySource(utf8('typed')), stdout, stderr });
  const vector = lab.vector(lab.text('one ', 2000), [0, 0], lab.text('two', 2100));
  assert.is(await lab.call('fd_write', 1, ...vector, 8), 0);
  assert.is(lab.view.getUint32(8, true), 7);
  assert.is(await lab.call('fd_write', 2, ...vector, 8), 0);
  assert.is(text(stdout.bytes()), 'one two');
  assert.is(text(stderr.bytes()), 'one two');
  assert.is(await lab.call('fd_read', 0, ...lab.vector([3000, 10]), 8), 0);
  assert.is(lab.read(3000, lab.view.getUint32(8, true)), 'typed');
  assert.is(await lab.call('fd_read', 0, ...lab.vector([3000, 10]), 8), 0);
  assert.is(lab.view.getUint32(8, true), 0);
  assert.is(await lab.call('fd_read', 1, ...lab.vector([3000, 10]), 8), ERRNO.badf);
  assert.is(await lab.call('fd_write', 0, ...lab.vector([3000, 10]), 8), ERRNO.badf);
});

preview1('reading waits for bytes', async () => {
  const stdin = new PushSource();
  const lab = await Preview1Lab.open({ stdin });
  const read = lab.call('fd_read', 0, ...lab.vector([3000, 10]), 8);
  stdin.push('late');
  assert.is(await read, 0);
  assert.is(lab.read(3000, 4), 'late');
});

preview1('a file is written, sought, read and told', async () => {
  const lab = await withFiles();
  const fd = await lab.open('file', CREATE);
  assert.is(await lab.call('fd_write', fd, ...lab.vector(lab.text('hello', 2000), lab.text(' world', 2100)), 8), 0);
  assert.is(lab.view.getUint32(8, true), 11);
  for (const [offset, whence, position] of [
    [2n, 0, 2n],
    [3n, 1, 5n],
    [-4n, 2, 7n],
  ] as const) {
    assert.is(await lab.call('fd_seek', fd, offset, whence, 16), 0);
    assert.is(lab.view.getBigUint64(16, true), position);
  }
  assert.is(await lab.call('fd_tell', fd, 16), 0);
  assert.is(lab.view.getBigUint64(16, true), 7n);
  assert.is(await lab.call('fd_read', fd, ...lab.vector([3000, 2], [3100, 9]), 8), 0);
  assert.is(lab.view.getUint32(8, true), 4);
  assert.is(lab.read(3000, 2) + lab.read(3100, 2), 'orld');
  assert.is(await lab.call('fd_pread', fd, ...lab.vector([3000, 4]), 1n, 8), 0);
  assert.is(lab.read(3000, 4), 'ello');
  assert.is(await lab.call('fd_pwrite', fd, ...lab.vector(lab.text('J', 2000)), 0n, 8), 0);
  assert.is(await lab.call('fd_tell', fd, 16), 0);
  assert.is(lab.view.getBigUint64(16, true), 11n);
  for (const [offset, whence] of [
    [-1n, 0],
    [-12n, 1],
    [0n, 3],
  ] as const)
    assert.is(await lab.call('fd_seek', fd, offset, whence, 16), ERRNO.inval);
  assert.is(await lab.call('fd_seek', 1, 0n, 0, 16), ERRNO.spipe);
});

preview1('appending writes at the end, and flags can be changed', async () => {
  const lab = await withFiles();
  await make(lab, 'file', 'ab');
  const fd = await lab.open('file', 0, APPEND);
  await lab.call('fd_seek', fd, 0n, 0, 16);
  assert.is(await lab.call('fd_write', fd, ...lab.vector(lab.text('cd', 2000)), 8), 0);
  assert.is(await lab.call('fd_fdstat_set_flags', fd, 4), 0);
  assert.is(await lab.call('fd_fdstat_get', fd, 64), 0);
  assert.equal([lab.view.getUint8(64), lab.view.getUint16(66, true)], [4, 4]);
  await lab.call('fd_seek', fd, 0n, 0, 16);
  assert.is(await lab.call('fd_write', fd, ...lab.vector(lab.text('X', 2000)), 8), 0);
  assert.is(await lab.call('fd_pread', fd, ...lab.vector([3000, 9]), 0n, 8), 0);
  assert.is(lab.read(3000, lab.view.getUint32(8, true)), 'Xbcd');
  assert.is(await lab.call('fd_fdstat_set_flags', fd, 16), ERRNO.inval);
  assert.is(await lab.call('fd_fdstat_set_rights', fd, 0n, 0n), ERRNO.notsup);
});

preview1('sizes and times are set and told', async () => {
  const lab = await withFiles();
  const fd = await lab.open('file', CREATE);
  assert.is(await lab.call('fd_allocate', fd, 10n, 90n), 0);
  assert.is(await lab.call('fd_allocate', fd, 0n, 5n), 0);
  assert.is(await lab.call('fd_filestat_get', fd, 64), 0);
  assert.equal([lab.view.getUint8(80), lab.view.getBigUint64(96, true)], [4, 100n]);
  assert.is(await lab.call('fd_allocate', fd, 0n, 0n), ERRNO.inval);
  assert.is(await lab.call('fd_allocate', fd, 1n, (1n << 63n) - 1n), ERRNO.fbig);
  assert.is(await lab.call('fd_allocate', fd, 0n, 2_000_000n), ERRNO.nospc);
  assert.is(await lab.call('fd_filestat_set_size', fd, 3n), 0);
  assert.is(await lab.call('fd_filestat_set_times', fd, 1_500_000_001n, 2n, 1 | 4), 0);
  assert.is(await lab.call('path_filestat_get', 3, 0, ...lab.text('file'), 64), 0);
  assert.equal(
    [96, 104, 112].map((at) => lab.view.getBigUint64(at, true)),
    [3n, 1_500_000_001n, 2n],
  );
  assert.is(await lab.call('fd_filestat_set_times', fd, 0n, 0n, 3), ERRNO.inval);
  assert.is(await lab.call('path_filestat_set_times', 3, 0, ...lab.text('file'), 7n, 0n, 1), 0);
  assert.is(await lab.call('path_filestat_set_times', 3, 0, ...lab.text('file'), 0n, 0n, 12), ERRNO.inval);
  assert.is(await lab.call('path_filestat_set_times', 3, 0, ...lab.text('none'), 0n, 0n, 2), ERRNO.noent);
  for (const each of ['fd_sync', 'fd_datasync'] as const) assert.is(await lab.call(each, fd), 0);
  assert.is(await lab.call('fd_advise', fd, 0n, 0n, 5), 0);
  assert.is(await lab.call('fd_advise', fd, 0n, 0n, 6), ERRNO.inval);
  assert.is(await lab.call('fd_filestat_get', 1, 64), 0);
  assert.is(lab.view.getUint8(80), 2);
});

preview1('paths are made, moved, linked, read and removed', async () => {
  const lab = await withFiles();
  assert.is(await lab.call('path_create_directory', 3, ...lab.text('dir')), 0);
  assert.is(await lab.call('path_create_directory', 3, ...lab.text('dir')), ERRNO.exist);
  await make(lab, 'dir/a', 'A');
  const link = (from: string, to: string, flags = 0) =>
    lab.call('path_link', 3, flags, ...lab.text(from), 3, ...lab.text(to, 1200));
  assert.is(await link('dir/a', 'b'), 0);
  assert.is(await link('dir/a', 'b'), ERRNO.exist);
  assert.is(await link('dir', 'c'), ERRNO.perm);
  assert.is(await link('dir/a', 'c', 1), ERRNO.inval);
  assert.is(await lab.call('path_symlink', ...lab.text('dir/a'), 3, ...lab.text('sym', 1200)), 0);
  assert.is(await link('sym', 'sym2'), 0, 'a link to a symbolic link');
  assert.is(await lab.call('path_readlink', 3, ...lab.text('sym2'), 3000, 3, 8), 0);
  assert.is(lab.read(3000, lab.view.getUint32(8, true)), 'dir');
  assert.is(await lab.call('path_readlink', 3, ...lab.text('b'), 3000, 3, 8), ERRNO.inval);
  const rename = (from: string, to: string) => lab.call('path_rename', 3, ...lab.text(from), 3, ...lab.text(to, 1200));
  assert.is(await rename('b', 'dir/b'), 0);
  assert.is(await rename('dir', 'dir/b/c'), ERRNO.notdir);
  assert.is(await rename('none', 'c'), ERRNO.noent);
  assert.is(await lab.call('path_remove_directory', 3, ...lab.text('dir')), ERRNO.notempty);
  assert.is(await lab.call('path_unlink_file', 3, ...lab.text('dir')), ERRNO.isdir);
  for (const each of ['dir/a', 'dir/b', 'sym', 'sym2'])
    assert.is(await lab.call('path_unlink_file', 3, ...lab.text(each)), 0);
  assert.is(await lab.call('path_remove_directory', 3, ...lab.text('dir')), 0);
  assert.is(await lab.call('path_remove_directory', 3, ...lab.text('dir')), ERRNO.noent);
});

for (const [path, oflags, errno] of [
  ['none', 0, ERRNO.noent],
  ['../file', 0, ERRNO.perm],
  ['/etc/passwd', 0, ERRNO.perm],
  ['file', CREATE | 4, ERRNO.exist],
  ['file', 2, ERRNO.notdir],
  ['file/', 0, ERRNO.notdir],
  ['fi\0le', 0, ERRNO.inval],
] as const)
  preview1(`opening ${JSON.stringify(path)} with flags ${oflags} is error ${errno}`, async () => {
    const lab = await withFiles();
    await make(lab, 'file');
    assert.is(await lab.call('path_open', 3, 0, ...lab.text(path), oflags, -1n, -1n, 0, 8), errno);
  });

preview1('what a file was opened for is what it can be used for', async () => {
  const lab = await withFiles();
  await make(lab, 'file', 'text');
  const [reader, writer] = [await lab.open('file', 0, 0, 1n << 1n), await lab.open('file', TRUNCATE, 0, 1n << 6n)];
  assert.is(await lab.call('fd_write', reader, ...lab.vector([0, 1]), 8), ERRNO.badf);
  assert.is(await lab.call('fd_read', writer, ...lab.vector([0, 1]), 8), ERRNO.badf);
  assert.is(await lab.call('fd_filestat_set_size', reader, 0n), ERRNO.badf);
  assert.is(await lab.call('fd_filestat_get', writer, 64), 0);
  assert.is(lab.view.getBigUint64(96, true), 0n);
});

for (const bufferBytes of [30, 64, 4096])
  preview1(`a directory is read with a buffer of ${bufferBytes} bytes`, async () => {
    const lab = await withFiles();
    for (const each of ['one', 'two', 'three']) await make(lab, each);
    const fd = await lab.open('.', 0, 0, 0n);
    assert.equal(await names(lab, fd, bufferBytes), ['.', '..', 'one', 'two', 'three']);
    assert.equal(await names(lab, fd, bufferBytes), ['.', '..', 'one', 'two', 'three'], 'and once more');
    assert.is(await lab.call('fd_readdir', fd, 4096, 64, 1000n, 8), 0);
    assert.is(lab.view.getUint32(8, true), 0);
    assert.is(await lab.call('fd_readdir', 1, 4096, 64, 0n, 8), ERRNO.notdir);
  });

preview1('given directories are found by number, and nothing else is', async () => {
  const lab = await Preview1Lab.open({ files: new FileTree({ scratchBytes: 0, scratchNodes: 0, mount: '/data' }) });
  assert.is(await lab.call('fd_prestat_get', 3, 16), 0);
  assert.equal([lab.view.getUint32(16, true), lab.view.getUint32(20, true)], [0, 5]);
  assert.is(await lab.call('fd_prestat_dir_name', 3, 100, 5), 0);
  assert.is(lab.read(100, 5), '/data');
  assert.is(await lab.call('fd_prestat_dir_name', 3, 100, 4), ERRNO.nametoolong);
  assert.is(await lab.call('fd_prestat_get', 4, 16), ERRNO.badf);
  assert.is(await lab.call('fd_prestat_dir_name', 1, 100, 5), ERRNO.notdir);
});

preview1('numbers are renamed and closed', async () => {
  const lab = await withFiles();
  const [first, second] = [await lab.open('a', CREATE), await lab.open('b', CREATE)];
  assert.equal([first, second], [4, 5]);
  assert.is(await lab.call('fd_renumber', first, second), 0);
  assert.is(await lab.call('fd_close', first), ERRNO.badf);
  assert.is(await lab.call('fd_renumber', second, 99), ERRNO.badf);
  assert.is(await lab.call('fd_close', second), 0);
  assert.is(await lab.open('a'), 4);
});

preview1('after a reset nothing is open any more', async () => {
  const lab = await withFiles();
  const fd = await lab.open('a', CREATE);
  lab.reset();
  assert.is(await lab.call('fd_close', fd), ERRNO.badf);
  assert.is(await lab.call('fd_prestat_get', 3, 16), 0);
});

for (const each of Object.keys(SIGNATURES).filter(
  (name) => name.startsWith('fd_') || name.startsWith('sock_'),
) as CallName[])
  preview1(`${each} of a number that is not open is an error`, async () => {
    const lab = await withFiles();
    const args = [...SIGNATURES[each]].slice(1).map((letter) => (letter === 'i' ? 0 : 0n));
    assert.is(await lab.call(each, -31337, ...args), ERRNO.badf);
  });

for (const each of Object.keys(SIGNATURES).filter((name) => name.startsWith('sock_')) as CallName[])
  preview1(`${each} of what is no socket is an error`, async () => {
    const lab = await Preview1Lab.open();
    const args = [...SIGNATURES[each]].slice(1).map(() => 0);
    assert.is(await lab.call(each, 1, ...args), ERRNO.notsock);
  });

/** A subscription at 4096 + 48 × index. */
function subscribe(
  lab: Preview1Lab,
  index: number,
  userdata: bigint,
  type: number,
  what: number,
  timeout = 0n,
  flags = 0,
) {
  const at = 4096 + 48 * index;
  lab.memory.fill(0, at, at + 48);
  lab.view.setBigUint64(at, userdata, true);
  lab.view.setUint8(at + 8, type);
  lab.view.setUint32(at + 16, what, true);
  lab.view.setBigUint64(at + 24, timeout, true);
  lab.view.setUint16(at + 40, flags, true);
}

/** Userdata, error and kind of the events at 8192. */
const events = (lab: Preview1Lab) =>
  Array.from({ length: lab.view.getUint32(8, true) }, (_, index) => {
    const at = 8192 + 32 * index;
    return [lab.view.getBigUint64(at, true), lab.view.getUint16(at + 8, true), lab.view.getUint8(at + 10)];
  });

preview1('a poll waits for a clock, and tells which', async () => {
  const clock = new ManualClock();
  const lab = await Preview1Lab.open({ clock, stdin: new PushSource() });
  subscribe(lab, 0, 11n, 0, 1, 1_000_000n);
  subscribe(lab, 1, 12n, 1, 0);
  subscribe(lab, 2, 13n, 0, 0, 9_000_000n, 1);
  const done = lab.call('poll_oneoff', 4096, 8192, 3, 8);
  clock.advance(1_000_000n);
  assert.is(await done, 0);
  assert.equal(events(lab), [[11n, 0, 0]]);
});

preview1('a poll tells files that are ready, and those that are no files', async () => {
  const lab = await withFiles();
  await make(lab, 'file', 'abc');
  const fd = await lab.open('file');
  subscribe(lab, 0, 1n, 1, fd);
  subscribe(lab, 1, 2n, 2, fd);
  subscribe(lab, 2, 3n, 1, 77);
  subscribe(lab, 3, 4n, 2, 1);
  assert.is(await lab.call('poll_oneoff', 4096, 8192, 4, 8), 0);
  assert.equal(events(lab), [
    [1n, 0, 1],
    [2n, 0, 2],
    [3n, ERRNO.badf, 1],
    [4n, 0, 2],
  ]);
  assert.is(lab.view.getBigUint64(8192 + 16, true), 3n);
});

preview1('a poll of nothing, of unknown kinds and of unknown clocks is an error', async () => {
  const lab = await Preview1Lab.open();
  assert.is(await lab.call('poll_oneoff', 4096, 8192, 0, 8), ERRNO.inval);
  subscribe(lab, 0, 1n, 3, 0);
  assert.is(await lab.call('poll_oneoff', 4096, 8192, 1, 8), ERRNO.inval);
  subscribe(lab, 0, 1n, 0, 7);
  assert.is(await lab.call('poll_oneoff', 4096, 8192, 1, 8), ERRNO.inval);
  assert.is(await lab.call('poll_oneoff', 4096, 65_530, 1, 8), ERRNO.fault);
  assert.is(await lab.call('poll_oneoff', 4096, 8192, -1, 8), ERRNO.fault);
});

preview1('addresses outside of the memory are a fault', async () => {
  const lab = await withFiles();
  assert.is(await lab.call('fd_write', 1, ...lab.vector([65_530, 10]), 8), ERRNO.fault);
  assert.is(await lab.call('fd_write', 1, 65_533, 1, 8), ERRNO.fault);
  assert.is(await lab.call('fd_write', 1, 0, 2_000_000_000, 8), ERRNO.inval);
  assert.is(await lab.call('path_open', 3, 0, 65_530, 10, 0, 0n, 0n, 0, 8), ERRNO.fault);
  assert.is(await lab.call('args_sizes_get', -4, 0), ERRNO.fault);
  assert.is(await lab.call('args_sizes_get', 65_533, 0), ERRNO.fault);
});

preview1('a name that is no UTF-8 is invalid', async () => {
  const lab = await withFiles();
  lab.memory.set([0x66, 0xff], 1024);
  assert.is(await lab.call('path_open', 3, 0, 1024, 2, CREATE, -1n, -1n, 0, 8), ERRNO.inval);
});

preview1.run();

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { privateBytes, privateBytesOf } from '../../../runtime/machine/private-memory.ts';

const memory = suite('private memory');

const STATUS = `Name:\tqemu-system-x86
State:\tS (sleeping)
VmHWM:\t   98304 kB
VmRSS:\t   98304 kB
RssAnon:\t   18432 kB
RssFile:\t   61440 kB
RssShmem:\t   18432 kB
VmSwap:\t    2048 kB
Threads:\t4
`;

/** A program that writes to 64 MiB once it is told to, and says so before and after. */
const WRITER = `
  process.stdout.write('ready');
  process.stdin.on('data', () => {
    globalThis.kept = new Uint8Array(64 * 1024 * 1024).fill(1);
    process.stdout.write('written');
  });
`;

memory('is what the process has written itself, also where that was swapped out', () => {
  assert.is(privateBytesOf(STATUS), 20 * 1024 * 1024);
});

memory('is not guessed from a text of another kind', () => {
  assert.throws(() => privateBytesOf('State:\tZ (zombie)'), /expected RssAnon and VmSwap/);
});

memory('of a process grows by what it writes to', async () => {
  // One of its own: a collector that frees what other tests left would take from the difference.
  const writer = spawn(process.execPath, ['-e', WRITER], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(writer.stdout, 'data');
    const before = await privateBytes(writer.pid!);
    writer.stdin.write('go on\n');
    await once(writer.stdout, 'data');
    assert.ok((await privateBytes(writer.pid!)) - before > 32 * 1024 * 1024);
  } finally {
    writer.kill();
  }
});

memory('of a process that is gone is not known', async () => {
  await privateBytes(2 ** 22 + 1).then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.is(error.code, 'ENOENT'),
  );
});

memory.run();

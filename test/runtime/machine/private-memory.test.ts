import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { privateBytes, privateBytesOf } from '../../../runtime/machine/private-memory.ts';

const memory = suite('private memory');

const ROLLUP = `00400000-7ffd5a1fe000 ---p 00000000 00:00 0                              [rollup]
Rss:               98304 kB
Shared_Clean:      40960 kB
Shared_Dirty:       1024 kB
Private_Clean:      2048 kB
Private_Dirty:     18432 kB
Anonymous:         18432 kB
AnonHugePages:     16384 kB
Swap:               2048 kB
SwapPss:            2048 kB
`;

memory('is what the process has written itself, also where that was swapped out', () => {
  assert.is(privateBytesOf(ROLLUP), 20 * 1024 * 1024);
});

memory('is not guessed from a text of another kind', () => {
  assert.throws(() => privateBytesOf('Rss: 1 kB'), /expected Anonymous and Swap/);
});

memory('of this process grows by what it writes to', async () => {
  const before = await privateBytes(process.pid);
  const block = new Uint8Array(64 * 1024 * 1024).fill(1);
  assert.ok((await privateBytes(process.pid)) - before > block.length / 2);
});

memory('of a process that is gone is not known', async () => {
  await privateBytes(2 ** 22 + 1).then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.is(error.code, 'ENOENT'),
  );
});

memory.run();

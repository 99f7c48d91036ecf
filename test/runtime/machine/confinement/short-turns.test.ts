import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeShortTurns, turnWords } from '../../../../runtime/machine/confinement/short-turns.ts';

const turns = suite('short turns');

turns('are the step of a plan, for what it starts or for another thread', () => {
  assert.equal(turnWords(), ['turns', '0', '100000']);
  assert.equal(turnWords(17), ['turns', '17', '100000']);
});

turns('are taken by a thread where its kernel has them, and change nothing where it has not', async () => {
  const child = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
  try {
    await takeShortTurns(child.pid);
    const slice = /^se\.slice\s+:\s+(\d+)$/m.exec(readFileSync(`/proc/${child.pid}/sched`, 'utf8'))?.[1];
    const [major, minor] = release().split('.').map(Number) as [number, number];
    // A kernel without debugging of its scheduler does not tell.
    if (slice !== undefined && (major > 6 || (major === 6 && minor >= 12))) assert.is(slice, '100000');
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

turns("of a thread that is gone are nobody's", async () => {
  await takeShortTurns(4_194_305);
});

turns.run();

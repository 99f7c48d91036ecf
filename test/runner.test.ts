// end to end
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A test that never ends, with a child in its group, one in a session of its own, and below that another. */
const HANGS = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
const hangs = suite('hangs');
hangs('for ever', async () => {
  const near = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const far = spawn('sh', ['-c', 'sleep 1000 & echo $! > far.pid; mv far.pid far; wait'], { stdio: 'ignore', detached: true });
  writeFileSync('pids', [process.pid, near.pid, far.pid].join(' '));
  await new Promise((done) => setTimeout(done, 1e8));
});
hangs.run();
`;

const runner = suite('the test runner');
let folder = '';
runner.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-runner-'));
  await mkdir(join(folder, 'test'));
  await symlink(join(ROOT, 'test/support'), join(folder, 'test/support'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'test/hangs.test.ts'), HANGS);
});
runner.after.each(() => rm(folder, { recursive: true }));

const isAlive = (pid: number): boolean => {
  try {
    // One that has ended and was not waited for is a zombie.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(20);
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', null],
] as const)
  runner(`that gets ${signal} leaves nothing behind`, async () => {
    const flags = ['--preserve-symlinks', '--preserve-symlinks-main'];
    const child = spawn(process.execPath, [...flags, join(folder, 'test/support/run.ts'), 'hangs'], {
      ...{ cwd: folder, stdio: 'ignore' },
      env: { ...process.env, TMPDIR: folder },
    });
    const ended = once(child, 'exit');
    await until(() => existsSync(join(folder, 'pids')) && existsSync(join(folder, 'far')));
    const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split(' ').map(Number);
    const pids = [...read('pids'), ...read('far')];
    assert.equal(pids.map(isAlive), [true, true, true, true]);
    child.kill(signal);
    assert.is((await ended)[0], status);
    // Nobody is left who could end what is in a session of its own, when it was killed itself.
    const gone = signal === 'SIGKILL' ? pids.slice(0, 2) : pids;
    await until(() => !gone.some(isAlive));
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });

runner.run();

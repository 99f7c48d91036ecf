import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SoakDisk } from './bench/soak-disk.ts';

const disks = suite('the disk of a soak');

const MODULE = fileURLToPath(new URL('./bench/soak-disk.ts', import.meta.url));
const HOLDER = `
  import { SoakDisk } from ${JSON.stringify(MODULE)};
  const disk = new SoakDisk(1);
  console.log(JSON.stringify([disk.path, disk.isMounted]));
  setInterval(() => {}, 60_000);
`;

const isMount = (path: string) => readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} tmpfs `);

disks('is gone when it is removed', () => {
  const disk = new SoakDisk(1);
  assert.is(isMount(disk.path), disk.isMounted);
  disk.remove();
  assert.not(isMount(disk.path));
  assert.not(existsSync(disk.path));
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  disks(`is gone when a soak ends by ${signal}`, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    const [path, mounted] = JSON.parse(String(said)) as [string, boolean];
    assert.is(isMount(path), mounted);
    child.kill(signal);
    assert.equal(await once(child, 'exit'), [status, null]);
    assert.not(isMount(path));
    assert.not(existsSync(path));
  });
}

disks.run();

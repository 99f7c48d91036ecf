// time limit: 900 s
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { ensureBaseVmApart } from '../../runtime/vm/base/index.ts';
import { exportImage, importImageFile, openVmImages, type VmImage } from '../../runtime/vm/image/index.ts';
import { outputOf, restoreImage, TEST_PACKAGES, testBase, testImages } from '../support/base-vm.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';

const bases = suite('a base VM');
let folder = '';
let base: VmImage;

bases.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-base-'));
  base = await testBase();
});
bases.after(() => rm(folder, { recursive: true, force: true }));

bases('is built once', async () => {
  const stages: string[] = [];
  const again = await ensureBaseVmApart({
    cacheDir: TEST_CACHE,
    include: TEST_PACKAGES,
    onProgress: (stage) => stages.push(stage),
  });
  assert.equal(again, base);
  assert.equal(stages, ['packages']);
});

bases('takes no more disk than what is in it', async () => {
  const sizes = await Promise.all([base.memory, base.disk[0]!.path].map((path) => stat(path)));
  for (const { blocks } of sizes) assert.ok(blocks * 512 < 150 * 2 ** 20, `${blocks} blocks`);
  assert.is(base.disk.length, 1);
  assert.is(sizes[1]!.size, base.diskBytes);
});

bases('goes on as Debian, which fetches packages by its proxy alone', async () => {
  const vm = await restoreImage(base);
  try {
    assert.match(await outputOf(vm, 'cat /etc/os-release'), /^ID=debian$/m);
    assert.match(await outputOf(vm, 'apt-config dump Acquire::http::Proxy'), '"http://127.0.0.1:3128"');
    assert.match(await outputOf(vm, 'cat /etc/apt/sources.list.d/*'), /^Suites: /m);
    assert.match(await outputOf(vm, 'dpkg -s busybox-static'), /^Status: install ok installed$/m);
    const read = 'find /usr/share/man /usr/share/locale /usr/share/info -type f -not -name locale.alias | wc -l';
    assert.ok(Number(await outputOf(vm, read)) < 5);
    assert.is(await outputOf(vm, 'test -e /etc/resolv.conf || echo none'), 'none\n');
    // Nothing that is installed starts by itself.
    assert.is(await outputOf(vm, '/usr/sbin/policy-rc.d || echo $?'), '101\n');
    const [, mib] = /(\d+)\s+\d+\s+\d+\s+\d+%/.exec(await outputOf(vm, 'df -m / | tail -1')) ?? [];
    assert.ok(Number(mib) > 3500, `${mib} MiB`);
  } finally {
    await vm.close();
  }
});

bases('has clones that differ, and write what is their own', async () => {
  const clones = await Promise.all([restoreImage(base), restoreImage(base)]);
  try {
    const seen = await Promise.all(
      clones.map((vm) => outputOf(vm, 'hostname; cat /proc/sys/kernel/random/uuid; date +%s > /root/own; ls /root')),
    );
    assert.is.not(seen[0], seen[1]);
    for (const text of seen) assert.match(text, /\nown\n$/);
    const [time] = /^\d+/m.exec(await outputOf(clones[0]!, 'date +%s')) ?? [];
    assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60, `${time}`);
  } finally {
    await Promise.all(clones.map((vm) => vm.close()));
  }
  assert.equal(await (await testImages()).find(base.digest), base);
});

bases('goes to another cloudlet as one file, and goes on there', async () => {
  const file = join(folder, 'base.vm');
  await exportImage(base, file);
  assert.ok((await stat(file)).size < 60 * 2 ** 20);
  const store = await openVmImages({ cacheDir: folder });
  const image = await importImageFile(store, file);
  assert.is(image.digest, base.digest);
  const vm = await restoreImage(image);
  try {
    assert.is(await outputOf(vm, 'echo here'), 'here\n');
  } finally {
    await vm.close();
  }
  await store.remove(image.digest);
  assert.equal(await readdir(store.directory), []);
});

bases('that is given up while it installs leaves nothing', async () => {
  const cacheDir = join(folder, 'given-up');
  const stop = new AbortController();
  const build = ensureBaseVmApart({
    cacheDir,
    signal: stop.signal,
    onProgress: (stage) => {
      // It takes half a minute and more: by then it has begun to unpack.
      if (stage === 'install') setTimeout(() => stop.abort(new Error('enough')), 1000);
    },
  });
  const error = await build.then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is((error as Error).message, 'enough');
  assert.equal(await readdir(join(cacheDir, 'vm', 'images')), []);
  const mounts = await readFile('/proc/mounts', 'utf8');
  assert.not.match(mounts, cacheDir);
});

bases.run();

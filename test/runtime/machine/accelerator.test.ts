import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { firmware } from '../../../runtime/machine/firmware.ts';
import { chooseAccelerator, describeAccelerator } from '../../../runtime/machine/index.ts';

/**
 * A stand-in for QEMU: says its version, ends the probe as it is told, and counts how often it was probed. Its clock guest is
 * silent, so that the rate stays unknown.
 */
async function fakeQemu(directory: string, probe: string): Promise<string> {
  const path = join(directory, 'qemu');
  const script = `#!/bin/sh
case "$*" in
  --version) echo "QEMU emulator version 9.1.2 (fake)";;
  *isa-debug-exit*) echo probed >> ${directory}/probes; ${probe};;
  *) exit 1;;
esac
`;
  await writeFile(path, script, { mode: 0o755 });
  // It runs as another user when this is root.
  await writeFile(join(directory, 'probes'), '', { mode: 0o666 });
  await chmod(join(directory, 'probes'), 0o666);
  return path;
}

interface Context {
  directory: string;
}
const accelerator = suite<Context>('the accelerator');
accelerator.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-accelerator-'));
  await chmod(context.directory, 0o755);
});
accelerator.after.each((context) => rm(context.directory, { recursive: true }));

accelerator('is KVM when a guest really ran under it', async ({ directory }) => {
  const qemu = await fakeQemu(directory, 'exit 43');
  const found = await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
  assert.is(found.kind, 'kvm');
  assert.is(found.cpu, 'host');
  assert.is(found.qemuVersion, '9.1.2');
  assert.is(describeAccelerator(found).isolates, true);
});

for (const [what, probe, reason] of [
  ['QEMU ends in another way', 'echo "failed to set MSR" >&2; exit 1', /ended with status 1 \(failed to set MSR\)/],
  // In a process namespace of its own the signal of `abort` is ignored, and the fault that follows it is not.
  ['QEMU dies', `exec ${process.execPath} -e 'process.abort()'`, /ended with SIG(ABRT|SEGV|TRAP|ILL)/],
  ['the guest does not end in time', 'exec sleep 30', /did not end within/],
] as const) {
  accelerator(`is TCG when ${what}, and the reason is told`, async ({ directory }) => {
    const qemu = await fakeQemu(directory, probe);
    const found = await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
    assert.is(found.kind, 'tcg');
    assert.match(found.reason, reason);
    const { isolates, meaning } = describeAccelerator(found);
    assert.is(isolates, false);
    assert.match(meaning, 'no isolation');
  });
}

accelerator('is refused when KVM was demanded and does not work', async ({ directory }) => {
  const qemu = await fakeQemu(directory, 'exit 1');
  const error = await chooseAccelerator({ cacheDir: directory, choice: 'kvm', qemu }).catch((e: CloudletError) => e);
  assert.is((error as CloudletError).code, 'sandbox-unavailable');
  assert.match((error as CloudletError).message, /KVM was asked for and is not usable.*--accel tcg or auto/);
});

accelerator('is probed once for each boot of this computer', async ({ directory }) => {
  const qemu = await fakeQemu(directory, 'exit 43');
  for (let time = 0; time < 3; time++) await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
  assert.is(await readFile(join(directory, 'probes'), 'utf8'), 'probed\n');
  const remembered = JSON.parse(await readFile(join(directory, 'accelerator.json'), 'utf8'));
  await writeFile(join(directory, 'accelerator.json'), JSON.stringify({ ...remembered, bootId: 'another' }));
  await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
  assert.is(await readFile(join(directory, 'probes'), 'utf8'), 'probed\nprobed\n');
});

accelerator(
  'is found again at the next start when the rate of its clock could not be measured',
  async ({ directory }) => {
    const qemu = await fakeQemu(directory, 'exit 1');
    for (let time = 0; time < 2; time++) await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
    assert.is(await readFile(join(directory, 'probes'), 'utf8'), 'probed\nprobed\n');
  },
);

accelerator('is what another found meanwhile: snapshots of both are bound to one rate', async ({ directory }) => {
  const [kept, theirs] = [join(directory, 'accelerator.json'), join(directory, 'theirs.json')];
  await chmod(directory, 0o777);
  const qemu = await fakeQemu(directory, `cp ${theirs} ${kept}; exit 43`);
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const kvm = { usable: false, reason: 'another said so' };
  const found = JSON.stringify({ format: 1, bootId, qemuVersion: '9.1.2', kvm, tscKhz: 2_596_499 });
  await writeFile(theirs, found, { mode: 0o644 });
  const { kind, tscKhz } = await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu });
  assert.equal([kind, tscKhz], ['tcg', 2_596_499]);
  assert.is(await readFile(kept, 'utf8'), found);
});

accelerator('is found where nothing can be remembered', async ({ directory }) => {
  const qemu = await fakeQemu(directory, 'exit 43');
  // A file where the directory should be.
  const found = await chooseAccelerator({ cacheDir: join(directory, 'probes'), choice: 'auto', qemu });
  assert.is(found.kind, 'kvm');
});

accelerator('is probed again when what is remembered is torn', async ({ directory }) => {
  const qemu = await fakeQemu(directory, 'exit 43');
  await writeFile(join(directory, 'accelerator.json'), '{"format": 1, "boot');
  assert.is((await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu })).kind, 'kvm');
});

accelerator('cannot be had without QEMU, and the remedy is told', async ({ directory }) => {
  const error = await chooseAccelerator({ cacheDir: directory, choice: 'auto', qemu: join(directory, 'none') }).catch(
    (e: CloudletError) => e,
  );
  assert.is((error as CloudletError).code, 'sandbox-unavailable');
  assert.match((error as CloudletError).message, /QEMU is not installed.*apt-get install .*qemu-system-x86/);
});

accelerator('is measured by firmware of the size that ends at the reset vector', () => {
  for (const name of ['probe', 'clock'] as const) {
    const bytes = firmware(name);
    assert.is(bytes.length, 65536);
    assert.is(bytes[0xfff0], 0xe9, 'a jump at the reset vector');
  }
});

accelerator.run();

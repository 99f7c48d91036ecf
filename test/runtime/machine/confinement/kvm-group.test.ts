import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesFor, groupsFor } from '../../../../runtime/machine/confinement/kvm-group.ts';

const kvm = suite('what KVM asks for');

kvm('is the group of its device, when a group may use it, and the device', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-kvm-'));
  const device = join(directory, 'kvm');
  try {
    await writeFile(device, '');
    if (process.getuid?.() === 0) await chown(device, 0, 104);
    const { gid } = await stat(device);
    for (const [mode, accelerator, groups] of [
      [0o660, 'kvm', gid === 0 ? [] : [gid]],
      [0o660, 'tcg', []],
      [0o600, 'kvm', []],
    ] as const) {
      await chmod(device, mode);
      assert.equal(await groupsFor(accelerator, device), groups);
      assert.equal(await devicesFor(accelerator, device), accelerator === 'kvm' ? [device] : []);
    }
    assert.equal(await groupsFor('kvm', join(directory, 'none')), []);
    assert.equal(await devicesFor('kvm', join(directory, 'none')), []);
  } finally {
    await rm(directory, { recursive: true });
  }
});

kvm.run();

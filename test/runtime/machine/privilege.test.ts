import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confine, groupsFor, QEMU_ID } from '../../../runtime/machine/privilege.ts';

const privilege = suite('a confined program');

const run = (program: string, words: readonly string[], parent: number, groups: readonly number[] = []) => {
  const { command, args } = confine(program, words, { isRoot: process.getuid?.() === 0, parent, groups });
  return spawnSync(command, args, { encoding: 'utf8' });
};

privilege('is given its arguments as they are', () => {
  assert.is(run('printf', ['%s|', '-a', '--', 'c d', '"$HOME"', "'"], process.pid).stdout, '-a|--|c d|"$HOME"|\'|');
});

privilege('does not start when its parent has ended before it could be tied to it', () => {
  const orphan = run('echo', ['started'], process.pid + 1);
  assert.is(orphan.stdout, '');
  assert.not(orphan.status === 0);
});

privilege('changes its identity only when the host is root', () => {
  assert.ok(confine('qemu', [], { isRoot: true, parent: 1, groups: [] }).args.includes(`--reuid=${QEMU_ID}`));
  assert.not.ok(
    confine('qemu', [], { isRoot: false, parent: 1, groups: [] }).args.some((arg) => arg.startsWith('--reuid')),
  );
});

privilege('can gain nothing and dies with its parent, whoever the host is', () => {
  for (const isRoot of [true, false]) {
    const { args } = confine('qemu', [], { isRoot, parent: 1, groups: [] });
    assert.ok(args.includes('--no-new-privs'));
    assert.ok(args.includes('--pdeathsig=KILL'));
  }
});

privilege('is in no group but those it needs', () => {
  if (process.getuid?.() !== 0) return; // Only root can leave groups.
  assert.is(run('id', ['-G'], process.pid).stdout.trim(), String(QEMU_ID));
  assert.is(run('id', ['-G'], process.pid, [104]).stdout.trim(), `${QEMU_ID} 104`);
});

privilege('needs the group of the KVM device, when a group may use it, and only for KVM', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-privilege-'));
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
    }
    assert.equal(await groupsFor('kvm', join(directory, 'none')), []);
  } finally {
    await rm(directory, { recursive: true });
  }
});

privilege('really holds no capability', () => {
  const isRoot = process.getuid?.() === 0;
  const { stdout, status } = run('grep', ['-E', '^(Uid|CapEff|NoNewPrivs)', '/proc/self/status'], process.pid);
  assert.is(status, 0);
  assert.match(stdout, /NoNewPrivs:\s1/);
  assert.match(stdout, /CapEff:\s0000000000000000/);
  assert.match(stdout, new RegExp(`Uid:\\s${isRoot ? QEMU_ID : process.getuid?.()}`));
});

privilege.run();

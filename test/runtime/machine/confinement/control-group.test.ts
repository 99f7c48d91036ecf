import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  limitFiles,
  openControlGroups,
  removeLeftovers,
} from '../../../../runtime/machine/confinement/control-group.ts';
import { startTimeOf } from '../../../../runtime/machine/confinement/process-identity.ts';

const LIMITS = { memoryMib: 256, cpus: 0.5 };

interface Context {
  directory: string;
}
const group = suite<Context>('a control group');

group.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'cloudlet-group-'));
});
group.after.each(({ directory }) => rmSync(directory, { recursive: true }));

for (const [controller, version, files] of [
  ['memory', 1, [['memory.limit_in_bytes', '268435456']]],
  ['memory', 2, [['memory.max', '268435456']]],
  [
    'cpu',
    1,
    [
      ['cpu.cfs_period_us', '100000'],
      ['cpu.cfs_quota_us', '50000'],
    ],
  ],
  ['cpu', 2, [['cpu.max', '50000 100000']]],
  ['pids', 1, [['pids.max', '160']]],
  ['pids', 2, [['pids.max', '160']]],
] as const) {
  group(`of version ${version} holds the limit on ${controller}`, () => {
    assert.equal(limitFiles(controller, version, LIMITS), files);
  });
}

group('of a host that ended is removed, of one that lives it stays, and nothing else is touched', ({ directory }) => {
  const start = startTimeOf(process.pid);
  const names = {
    living: `cloudlet-${process.pid}-${start}-1`,
    reused: `cloudlet-${process.pid}-${Number(start) - 1}-1`,
    ended: 'cloudlet-4194304-17-3',
    busy: 'cloudlet-4194304-17-4',
    other: 'system.slice',
    odd: 'cloudlet-x',
  };
  for (const name of Object.values(names)) mkdirSync(join(directory, name));
  writeFileSync(join(directory, names.busy, 'a process'), '');
  removeLeftovers(directory);
  assert.equal(readdirSync(directory).sort(), [names.living, names.busy, names.other, names.odd].sort());
});

group('that cannot be made is missing, with the reason', ({ directory }) => {
  const proc = join(directory, 'proc');
  mkdirSync(join(proc, 'self'), { recursive: true });
  writeFileSync(join(proc, 'self/cgroup'), '4:memory:/none\n0::/\n');
  writeFileSync(join(proc, 'self/mountinfo'), '36 24 0:31 / /groups rw - cgroup cgroup rw,memory\n');
  const { places, missing } = openControlGroups(proc, directory);
  assert.equal(places, []);
  assert.equal(
    missing.map(({ controller }) => controller),
    ['memory', 'cpu', 'pids'],
  );
  assert.match(missing[0]!.reason, /groups\/none: ENOENT/);
  assert.match(missing[1]!.reason, /no control group file system/);
});

group('of version 2 is handed its controllers from the root down, where they are not', ({ directory }) => {
  const [proc, slice] = [join(directory, 'proc'), join(directory, 'groups/system.slice')];
  for (const made of [join(proc, 'self'), slice]) mkdirSync(made, { recursive: true });
  writeFileSync(join(proc, 'self/cgroup'), '0::/system.slice/cloudlet.service\n');
  writeFileSync(join(proc, 'self/mountinfo'), '30 23 0:27 / /groups rw - cgroup2 cgroup2 rw\n');
  const files = [join(directory, 'groups/cgroup.subtree_control'), join(slice, 'cgroup.subtree_control')];
  for (const file of files) writeFileSync(file, 'memory cpu\n');
  const { places, missing } = openControlGroups(proc, directory);
  assert.equal(missing, []);
  assert.equal(
    places.map(({ controller, version, directory }) => [controller, version, directory]),
    ['memory', 'cpu', 'pids'].map((controller) => [controller, 2, slice]),
  );
  // The kernel would add to them.
  for (const file of files) assert.is(readFileSync(file, 'utf8'), '+pids');
});

group('is found as this computer has it, and leaves nothing', () => {
  if (process.getuid?.() !== 0) return; // Groups are root's to make.
  const { places } = openControlGroups();
  for (const { directory } of places) {
    const ours = readdirSync(directory).filter((name) => name.startsWith(`cloudlet-${process.pid}-`));
    assert.equal(ours, []);
    assert.ok(readFileSync(join(directory, 'cgroup.procs')));
  }
});

group.run();

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlGroup, limitFiles, openControlGroups } from '../../../../runtime/machine/confinement/control-group.ts';
import { groupName } from '../../../../runtime/machine/confinement/leftover-groups.ts';

/** The files in a directory. */
function contentOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true }).filter((each) => each.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(directory, name), 'utf8')]));
}

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

for (const [version, claim, own] of [
  [1, { 'cpu.shares': '1024' }, { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '50000' }],
  [2, { 'cgroup.subtree_control': '+cpu', 'cpu.weight': '100' }, { 'cpu.max': '50000 100000' }],
] as const) {
  group(
    `of version ${version}: all machines of a function are in one, with the claim that any other has`,
    async ({ directory }) => {
      const place = { controller: 'cpu', version, directory, above: [] } as const;
      const machines = ['function-a', 'function-a', 'function-b'].map((each) =>
        ControlGroup.make([place], LIMITS, each),
      );
      for (const [at, machine] of machines.entries()) await machine.join(4_000_000 + at);
      const claimants = readdirSync(directory).sort();
      assert.equal(claimants, [groupName('function-a'), groupName('function-b')]);
      const pids: string[][] = [];
      for (const claimant of claimants) {
        const at = join(directory, claimant);
        const files = contentOf(at);
        assert.equal(files, claim);
        const inner = readdirSync(at, { withFileTypes: true }).filter((each) => each.isDirectory());
        pids.push(
          inner.map(({ name }) => {
            const { 'cgroup.procs': pid, ...limits } = contentOf(join(at, name));
            assert.equal(limits, own);
            return pid!;
          }),
        );
      }
      assert.equal(
        pids.map((each) => each.sort()),
        [['4000000', '4000001'], ['4000002']],
      );
    },
  );
}

for (const [version, claim, after] of [
  [1, { 'cpu.shares': '102', 'cpu.idle': '1' }, { 'cpu.shares': '1024' }],
  [
    2,
    { 'cgroup.subtree_control': '+cpu', 'cpu.weight': '10', 'cpu.idle': '1' },
    { 'cgroup.subtree_control': '+cpu', 'cpu.weight': '100' },
  ],
] as const) {
  group(
    `of version ${version}: one in the background gets what others leave, until it goes over`,
    async ({ directory }) => {
      const place = { controller: 'cpu', version, directory, above: [] } as const;
      const own = ControlGroup.make([place], LIMITS, 'background', 'rest');
      await own.join(4_000_000);
      assert.equal(contentOf(join(directory, groupName('background'))), claim);
      await own.moveTo('function-a');
      assert.equal(contentOf(join(directory, groupName('function-a'))), after);
    },
  );
}

group('moves one after another, and is of who claimed it last', async ({ directory }) => {
  const place = { controller: 'cpu', version: 1, directory, above: [] } as const;
  const own = ControlGroup.make([place], null, 'background', 'rest');
  await Promise.all([
    own.join(4_000_000),
    own.moveTo('function-a'),
    own.moveTo('function-b'),
    own.moveTo('function-b'),
  ]);
  const [inner, ...more] = readdirSync(join(directory, groupName('function-b')), { withFileTypes: true }).filter(
    (each) => each.isDirectory(),
  );
  assert.equal(more, []);
  const procs = (claimant: string, name: string) => join(directory, groupName(claimant), name, 'cgroup.procs');
  assert.is(readFileSync(procs('function-b', inner!.name), 'utf8'), '4000000');
});

group('that cannot go over stays where it is, and may try again', async ({ directory }) => {
  const place = { controller: 'cpu', version: 1, directory, above: [] } as const;
  const own = ControlGroup.make([place], null, 'background', 'rest');
  await own.join(4_000_000);
  const claimed = join(directory, groupName('function-a'));
  writeFileSync(claimed, 'no directory');
  for (let tries = 0; tries < 2; tries += 1)
    assert.match(String(await own.moveTo('function-a').catch((error) => error)), /EEXIST|ENOTDIR/);
  rmSync(claimed);
  await own.moveTo('function-a');
  assert.is(readdirSync(claimed, { withFileTypes: true }).filter((each) => each.isDirectory()).length, 1);
});

group('hands its controllers down again for each machine, and claims once', ({ directory }) => {
  const place = { controller: 'cpu', version: 2, directory, above: [] } as const;
  const at = join(directory, groupName('function-a'));
  ControlGroup.make([place], null, 'function-a');
  for (const file of ['cgroup.subtree_control', 'cpu.weight']) writeFileSync(join(at, file), '');
  ControlGroup.make([place], null, 'function-a');
  assert.equal(contentOf(at), { 'cgroup.subtree_control': '+cpu', 'cpu.weight': '' });
});

group('is named by whatever a function is called, and stays where it was made', ({ directory }) => {
  const place = { controller: 'cpu', version: 1, directory, above: [] } as const;
  ControlGroup.make([place], null, `function-../${'x'.repeat(400)}`);
  assert.equal(readdirSync(directory), [
    groupName(`function-..%2F${'x'.repeat(400)}`).slice(0, groupName('').length + 160),
  ]);
});

group('that is removed goes over to nobody', async ({ directory }) => {
  const place = { controller: 'cpu', version: 1, directory, above: [] } as const;
  const own = ControlGroup.make([place], null, 'function-a');
  own.remove();
  await own.moveTo('function-b');
  assert.equal(readdirSync(directory), [groupName('function-a')]);
  assert.equal(Object.keys(contentOf(join(directory, groupName('function-a')))), ['cpu.shares']);
});

group('that cannot be made leaves nothing', ({ directory }) => {
  const place = { controller: 'cpu', version: 1, directory: join(directory, 'none'), above: [] } as const;
  writeFileSync(join(directory, 'none'), 'no directory');
  assert.throws(() => ControlGroup.make([place], LIMITS, 'function-a'), /ENOTDIR/);
  assert.equal(readdirSync(directory), ['none']);
});

group('of this computer: a process is in that of its claimant, goes over to another, and nothing is left', async () => {
  if (process.getuid?.() !== 0) return; // Groups are root's to make.
  const { places } = openControlGroups();
  if (places.length === 0) return; // Told as missing: see above.
  const child = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
  const groupsOf = () => readFileSync(`/proc/${child.pid}/cgroup`, 'utf8');
  const other = ControlGroup.make(places, { memoryMib: 64, cpus: 1 }, 'function-two');
  const own = ControlGroup.make(places, { memoryMib: 64, cpus: 1 });
  await own.join(child.pid!);
  assert.match(groupsOf(), `${groupName('machine-')}`);
  await own.moveTo('function-two');
  assert.match(groupsOf(), `${groupName('function-two')}/`);
  const rest = ControlGroup.make(places, null, 'background', 'rest');
  await rest.join(child.pid!);
  assert.match(groupsOf(), `${groupName('background')}/`);
  const idleOf = (claimant: string) =>
    places
      .map(({ directory }) => join(directory, groupName(claimant), 'cpu.idle'))
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, 'utf8').trim());
  assert.ok(idleOf('background').every((idle) => idle === '1'));
  await rest.moveTo('function-two');
  assert.match(groupsOf(), `${groupName('function-two')}/`);
  assert.ok(idleOf('function-two').every((idle) => idle === '0'));
  child.kill('SIGKILL');
  await once(child, 'close');
  for (const each of [own, other, rest]) each.remove();
  const left = () =>
    places.flatMap(({ directory }) => readdirSync(directory)).filter((name) => name.startsWith(groupName('')));
  // The kernel takes its time, and so does whoever removes.
  for (let tries = 0; left().length > 0 && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(left(), []);
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
